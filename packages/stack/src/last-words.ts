import { open } from "node:fs/promises";

const MOST_BYTES = 65_536;
const MOST_LINES = 6;

/** What a program logs when it ends for a reason. */
interface FatalLine {
  readonly msg?: string;
  readonly problems?: readonly string[];
  readonly err?: { readonly type: string; readonly message: string; readonly stack?: string };
}

/**
 * What a program that failed has said, from the given position of its log file: the reason that it has logged, or what it
 * printed beside its log lines (an error's message comes first, the stack after it), or else the last log lines.
 *
 * @param from Unit: bytes.
 */
export async function lastWords(path: string, from: number): Promise<string> {
  await using file = await open(path);
  const { size } = await file.stat();
  const position = Math.max(from <= size ? from : 0, size - MOST_BYTES); // the log was moved away meanwhile: from 0
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - position), position });
  const lines = buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n");
  return bestOf(lines)
    .map((line) => `  ${line.slice(0, 400)}`)
    .join("\n");
}

function bestOf(lines: readonly string[]): readonly string[] {
  const fatal = lines.findLast((line) => line.startsWith('{"level":"fatal"') && line.endsWith("}"));
  if (fatal !== undefined) return reasonOf(JSON.parse(fatal) as FatalLine);
  const plain = lines.filter((line) => !line.startsWith("{"));
  return plain.length > 0 ? plain.slice(0, MOST_LINES) : lines.slice(-MOST_LINES);
}

function reasonOf({ msg = "", problems = [], err }: FatalLine): readonly string[] {
  if (err?.stack === undefined) return [msg, ...problems];
  const places = err.stack.split("\n").filter((line) => line.trimStart().startsWith("at "));
  return [`${err.type}: ${err.message}`, ...places].slice(0, MOST_LINES); // the message has those of the causes, too
}
