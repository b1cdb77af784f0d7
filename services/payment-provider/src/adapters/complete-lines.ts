import { createReadStream } from "node:fs";

const NEWLINE = 0x0a;

/** The lines of a file that end with a newline, each with the offset behind it. What follows the last newline is left out. */
export async function* completeLines(path: string): AsyncGenerator<{ text: string; end: number }> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest: Buffer = Buffer.alloc(0);
  let end = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let at = rest.indexOf(NEWLINE); at !== -1; at = rest.indexOf(NEWLINE, from)) {
      end += at + 1 - from;
      yield { text: decoder.decode(rest.subarray(from, at)), end };
      from = at + 1;
    }
    rest = rest.subarray(from);
  }
}
