import type { Pair } from "../harness/pair.ts";
import { EMPTY, FULL } from "./chains.ts";

/** The libraries that the interceptors are for. */
const LIBRARIES = ["grpc-js", "nice-grpc"] as const;

/** Nothing, all of the client, all of the server, and both: for each library. */
export function wholeChains(): Pair[] {
  return LIBRARIES.flatMap((contender) => [
    { name: `${contender}, no chain`, contender },
    { name: `${contender}, full client chain`, contender, clientChain: FULL },
    { name: `${contender}, full server chain`, contender, serverChain: FULL },
    { name: `${contender}, both`, contender, clientChain: FULL, serverChain: FULL },
  ]);
}

/** Nothing, an interceptor that does nothing, and each one alone: for each library. */
export function singleOnes({ client, server }: { client: readonly string[]; server: readonly string[] }): Pair[] {
  return LIBRARIES.flatMap((contender) => [
    { name: `${contender}, no chain`, contender },
    ...[EMPTY, ...client].map((name) => ({ name: `${contender}, client/${name}`, contender, clientChain: name })),
    ...[EMPTY, ...server].map((name) => ({ name: `${contender}, server/${name}`, contender, serverChain: name })),
  ]);
}
