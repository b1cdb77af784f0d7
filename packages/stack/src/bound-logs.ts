import { copyFile, readdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";

const EVERY_MS = 1_000;

/**
 * Keeps each log file of a folder small: what is longer than `maxBytes` becomes `<name>.log.1` and starts anew, so a log
 * takes about twice that. The programs append, and notice nothing; a line written in that very moment may be lost.
 *
 * @param maxBytes Unit: bytes. @default 5_000_000
 */
export function boundLogs(folder: string, maxBytes = 5_000_000): Disposable {
  let checking = false;
  const check = async () => {
    if (checking) return;
    checking = true;
    try {
      const names = (await readdir(folder)).filter((name) => name.endsWith(".log"));
      for (const name of names) await boundLog(join(folder, name), maxBytes);
    } finally {
      checking = false;
    }
  };
  // A full disk, or logs that somebody deletes, must not end the stack: the next check tries again.
  const timer = setInterval(() => void check().catch(() => undefined), EVERY_MS);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Moves what is in the file out of it, if that is too much. */
export async function boundLog(path: string, maxBytes: number): Promise<void> {
  const { size } = await stat(path);
  if (size <= maxBytes) return;
  await copyFile(path, `${path}.1`);
  await truncate(path);
}
