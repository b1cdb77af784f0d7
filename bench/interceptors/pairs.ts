import type { Pair } from "../harness/pair.ts";
import { EMPTY, FULL, NOTHING, WANT_TOKEN } from "./chains.ts";

/** The libraries that the interceptors are for. */
export const LIBRARIES = ["grpc-js", "nice-grpc"] as const;
type Library = (typeof LIBRARIES)[number];

/** No chain, twice, then all interceptors of the client, all of the server, and both; beside nice-grpc also what is made of it. */
export function wholeChains(contender: Library): Pair[] {
  return [
    bare(contender),
    { name: "no chain, once more", contender, clientChain: NOTHING, serverChain: NOTHING },
    { name: "full client chain", contender, clientChain: FULL },
    { ...withServer(contender, FULL), name: "full server chain; the client sends a token" },
    { name: "both", contender, clientChain: FULL, serverChain: FULL },
    ...(contender === "nice-grpc" ? [{ name: "Holdfast: `connect` and `serve`", contender: "holdfast" }] : []),
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
    ...[EMPTY, ...server].map((name) => withServer(contender, name)),
  ];
}

function bare(contender: Library): Pair {
  return { name: "no chain", contender };
}

function withServer(contender: Library, name: string): Pair {
  const token = WANT_TOKEN.has(name);
  const pair = { name: `server/${name}${token ? " and client/auth" : ""}`, contender, serverChain: name };
  return token ? { ...pair, clientChain: "auth" } : pair;
}
