import fc from "fast-check";
import type { Happening } from "./saga-run.ts";

const at = fc.nat({ max: 5 });
const mostly = (value: boolean) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constant(!value) });
const atTimes = fc.oneof({ weight: 2, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const fate = fc.record({ accepts: mostly(true), undecided: atTimes, answerLost: mostly(false) });

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 16, arbitrary: fc.record({ kind: fc.constant("run" as const), expired: mostly(false) }) },
  { weight: 16, arbitrary: fc.record({ kind: fc.constant("arrive" as const), at, fate, again: mostly(false) }) },
  { weight: 16, arbitrary: fc.record({ kind: fc.constant("answer" as const), at, again: mostly(false) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("time_out" as const), at }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("lose" as const), at }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("crash" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("release_by_hand" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("take_key" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("charge_elsewhere" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("settle_elsewhere" as const), completes: fc.boolean() }) },
);

/** What may happen to an order, in any order: up to 40 happenings. */
export const happenings: fc.Arbitrary<Happening[]> = fc.array(happening, { maxLength: 40, size: "max" });
