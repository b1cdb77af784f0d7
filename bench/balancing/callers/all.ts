import type { Caller, Discovery } from "./caller.ts";

interface Entry {
  /** In tables. */
  name: string;
  /** A process loads its own client and no other. */
  load: () => Promise<(discovery: Discovery) => Caller>;
}

/** The one that has to keep the limits. */
export const OURS = "holdfast";

/** Clients under test, in the order of the table. */
export const CALLERS: readonly Entry[] = [
  { name: OURS, load: async () => (await import("./holdfast.ts")).holdfast },
  { name: "round_robin, same chain", load: async () => (await import("./same-chain.ts")).sameChain },
  { name: "round_robin, stock grpc-js", load: async () => (await import("./stock.ts")).stock },
];
