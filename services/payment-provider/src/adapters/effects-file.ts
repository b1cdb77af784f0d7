import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "@holdfast/process";
import type { Effect, NewEffect } from "../domain/effect.ts";
import type { Effects } from "../domain/effects.ts";
import { claimFile } from "./claim-file.ts";
import { completeLines } from "./complete-lines.ts";
import { effectsIndex } from "./effects-index.ts";
import { parseEffect } from "./parse-effect.ts";

export interface EffectsFileOptions {
  path: string;
  log: Logger;
  /** @default Date.now */
  now?: () => number;
  /**
   * The disk refused a write. What is in the file is not known any more, and a later fsync may say "ok" about data that
   * the kernel has thrown away: the process has to end, and to read the file again.
   */
  onBroken: (error: unknown) => void;
}

/**
 * The effects in an append-only file, one JSON object a line. An effect is told to nobody before it is on the disk;
 * effects that wait at the same time share one fdatasync. The file is this process's alone until it is closed: what another
 * one is writing would look like a torn line.
 *
 * @throws {Error} If another process has the file, or it is damaged before its last line. A last line without its newline is
 * what a kill in the middle of a write leaves: it was told to nobody, and is cut off.
 */
export async function openEffectsFile({
  path,
  log,
  now = Date.now,
  onBroken,
}: EffectsFileOptions): Promise<Effects & AsyncDisposable> {
  await using untilOpen = new AsyncDisposableStack();
  untilOpen.use(claimFile(path));
  const file = untilOpen.use(await open(path, "a", 0o600));
  const index = effectsIndex();
  let seq = 0;
  let end = 0;
  for await (const line of completeLines(path)) {
    seq += 1;
    end = line.end;
    index.add(parseEffect(line.text, seq));
  }

  const { size } = await file.stat();
  if (size > end) {
    log.warn({ path, cutBytes: size - end, effects: seq }, "last line was not finished, cut off");
    await file.truncate(end);
  }
  // What a killed process had written but not synced is read back above, and may be told from now on.
  await file.sync();
  await syncDirectory(dirname(path));
  const owned = untilOpen.move(); // Nothing went wrong: from here on the caller closes the file.

  let lines: string[] = [];
  let writing: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;

  /** The batch that is being written when no line waits; else the one after it, which takes all lines that wait. */
  function durable(): Promise<void> {
    if (lines.length === 0) return writing;
    next ??= writing.then(writeBatch);
    return next;
  }

  async function writeBatch(): Promise<void> {
    const batch = lines.join("");
    lines = [];
    writing = next ?? writing;
    next = undefined;
    try {
      await file.appendFile(batch);
      await file.datasync();
    } catch (error) {
      onBroken(error);
      throw error;
    }
  }

  return {
    get count() {
      return seq;
    },
    withKey: index.withKey,
    capture: index.capture,
    refundsOf: index.refundsOf,
    durable,
    async append(fields: NewEffect): Promise<Effect> {
      seq += 1;
      const effect: Effect = { seq, time: new Date(now()).toISOString(), ...fields };
      lines.push(`${JSON.stringify(effect)}\n`);
      index.add(effect);
      await durable();
      return effect;
    },
    async [Symbol.asyncDispose]() {
      await durable();
      await owned.disposeAsync();
    },
  };
}

/** A new file is not safe before its directory's entry is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  await directory.sync();
  await directory.close();
}
