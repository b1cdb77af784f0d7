import type { Books } from "./books.ts";
import { LONGEST_OPEN_S } from "./longest-open.ts";
import type { Violation } from "./violation.ts";

/** I3: no accepted order stays between PENDING and its end without getting on. */
export async function checkOrdersEnd({ orders }: Books): Promise<Violation[]> {
  return [...orders.values()]
    .filter(({ isTerminal, unchangedForS }) => !isTerminal && unchangedForS > LONGEST_OPEN_S)
    .map(({ id, state, unchangedForS }) => ({
      invariant: "I3",
      subject: id,
      what: `has been ${state} for ${Math.round(unchangedForS)} s`,
    }));
}
