import { open } from "node:fs/promises";

const MOST_BYTES = 65_536;
const MOST_LINES = 6;

/**
 * What a program that failed has said, from the given position of its log file: what it printed beside its log lines
 * (an error's message comes first, the stack after it), or else the last log lines.
 *
 * @param from Unit: bytes.
 */
export async function lastWords(path: string, from: number): Promise<string> {
  await using file = await open(path);
  const { size } = await file.stat();
  const position = Math.max(from <= size ? from : 0, size - MOST_BYTES); // the log was moved away meanwhile: from 0
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - position), position });
  const lines = buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n");
  const plain = lines.filter((line) => !line.startsWith("{"));
  const best = plain.length > 0 ? plain.slice(0, MOST_LINES) : lines.slice(-MOST_LINES);
  return best.map((line) => `  ${line.slice(0, 400)}`).join("\n");
}
