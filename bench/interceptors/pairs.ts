import type { Pair } from "../harness/pair.ts";
import { EMPTY, FULL } from "./chains.ts";

interface Library {
  contender: string;
  /** Where interceptors can be put. */
  sides: readonly ("client" | "server")[];
}

/** The libraries that the interceptors are for. */
const LIBRARIES: readonly Library[] = [
  { contender: "grpc-js", sides: ["client", "server"] },
  { contender: "nice-grpc", sides: ["server"] },
];

/** Nothing, all of the client, all of the server, and both: for each library. */
export function wholeChains(): Pair[] {
  return LIBRARIES.flatMap(({ contender, sides }) => {
    const pairs: Pair[] = [{ name: `${contender}, no chain`, contender }];
    for (const side of sides) {
      pairs.push({ name: `${contender}, full ${side} chain`, contender, [`${side}Chain`]: FULL });
    }
    if (sides.length === 2) pairs.push({ name: `${contender}, both`, contender, clientChain: FULL, serverChain: FULL });
    return pairs;
  });
}

/** Nothing, an interceptor that does nothing, and each one alone: for each library. */
export function singleOnes(names: Readonly<Record<"client" | "server", readonly string[]>>): Pair[] {
  return LIBRARIES.flatMap(({ contender, sides }) => [
    { name: `${contender}, no chain`, contender },
    ...sides.flatMap((side) =>
      [EMPTY, ...names[side]].map((name) => {
        return { name: `${contender}, ${side}/${name}`, contender, [`${side}Chain`]: name };
      }),
    ),
  ]);
}
