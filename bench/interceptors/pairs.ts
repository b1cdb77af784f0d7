import type { Pair } from "../harness/pair.ts";
import { EMPTY, FULL, NOTHING } from "./chains.ts";

/** The libraries that the interceptors are for. */
export const LIBRARIES = ["grpc-js", "nice-grpc"] as const;
type Library = (typeof LIBRARIES)[number];

/** No chain, twice, then all interceptors of the client, all of the server, and both. */
export function wholeChains(contender: Library): Pair[] {
  return [
    bare(contender),
    { name: "no chain, once more", contender, clientChain: NOTHING, serverChain: NOTHING },
    { name: "full client chain", contender, clientChain: FULL },
    { name: "full server chain", contender, serverChain: FULL },
    { name: "both", contender, clientChain: FULL, serverChain: FULL },
  ];
}

/** No chain, twice, then an interceptor that does nothing, and each one alone. */
export function singleOnes(
  contender: Library,
  { client, server }: { client: readonly string[]; server: readonly string[] },
): Pair[] {
  return [
    bare(contender),
    { name: "no chain, once more", contender, clientChain: NOTHING, serverChain: NOTHING },
    ...[EMPTY, ...client].map((name) => ({ name: `client/${name}`, contender, clientChain: name })),
    ...[EMPTY, ...server].map((name) => ({ name: `server/${name}`, contender, serverChain: name })),
  ];
}

function bare(contender: Library): Pair {
  return { name: "no chain", contender };
}
