import { completeLines } from "./adapters/complete-lines.ts";
import { parseEffect } from "./adapters/parse-effect.ts";
import type { Effect } from "./domain/effect.ts";

/**
 * Every effect in a provider's file, oldest first, in constant memory. Safe while the provider writes to it: a last line
 * that is not finished is left out, nobody has been told of it yet.
 *
 * @throws {Error} If the file is missing or damaged.
 */
export async function* readEffects(path: string): AsyncGenerator<Effect> {
  let seq = 0;
  for await (const { text } of completeLines(path)) {
    seq += 1;
    yield parseEffect(text, seq);
  }
}
