import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Effect } from "./domain/effect.ts";
import { readEffects } from "./read-effects.ts";

/** A path in a directory of its own, which goes when the test ends. */
export async function tempFile(): Promise<{ path: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), "payment-provider-"));
  return {
    path: join(directory, "effects.ndjson"),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

/** All effects in a file at once. */
export async function effectsIn(path: string): Promise<Effect[]> {
  const effects: Effect[] = [];
  for await (const effect of readEffects(path)) effects.push(effect);
  return effects;
}
