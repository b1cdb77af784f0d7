import { Effect } from "../domain/effect.ts";

/**
 * The effect that a complete line holds.
 *
 * @throws {Error} If it holds none, or not the one with `seq`: then the file is damaged, and whoever goes on charging
 * with it could charge twice.
 */
export function parseEffect(text: string, seq: number): Effect {
  let effect: Effect;
  try {
    effect = Effect.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`Cannot use the effects file: line ${seq} holds no effect`, { cause });
  }
  if (effect.seq === seq) return effect;
  throw new Error(`Cannot use the effects file: line ${seq} has seq ${effect.seq}`);
}
