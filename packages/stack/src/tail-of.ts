import { open } from "node:fs/promises";

const MOST_BYTES = 16_384;

/** The last lines of a file, each cut to 400 characters. Empty where there is no file. */
export async function tailOf(path: string, lines: number): Promise<string> {
  const file = await open(path).catch(() => undefined); // nothing was written yet
  if (file === undefined) return "";
  try {
    const { size } = await file.stat();
    const length = Math.min(size, MOST_BYTES);
    const { buffer } = await file.read({ buffer: Buffer.alloc(length), position: size - length });
    const last = buffer.toString("utf8").trimEnd().split("\n").slice(-lines);
    return last.map((line) => `  ${line.slice(0, 400)}`).join("\n");
  } finally {
    await file.close();
  }
}
