import { Readable } from "node:stream";
import { MESSAGES_PER_STREAM, PRODUCT } from "./payload.ts";

/** The answer of the contenders that speak JSON, in the JSON mapping of protobuf. */
export const JSON_RESPONSE = { product: PRODUCT };

/** One message of a stream. */
const JSON_PAGE = { products: [PRODUCT], nextPageToken: "" };

/** A stream of them, one a line: what HTTP has for a stream of messages. */
export function ndjson(): Readable {
  return Readable.from(lines());
}

function* lines(): Generator<string> {
  for (let sent = 0; sent < MESSAGES_PER_STREAM; sent++) yield `${JSON.stringify(JSON_PAGE)}\n`;
}

/** Parses each line of a body. */
export async function readNdjson(body: Readable, onMessage: (message: unknown) => void): Promise<void> {
  body.setEncoding("utf8");
  let rest = "";
  for await (const chunk of body) {
    const lines = `${rest}${String(chunk)}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onMessage(JSON.parse(line));
  }
}

/** The product in an answer or in a line. */
export function plainOfJson(answer: unknown): unknown {
  const { product, products } = answer as { product?: unknown; products?: unknown[] };
  return product ?? products?.[0];
}

/** How long an idle connection is kept, by every HTTP/1.1 server alike: fastify's own default. Unit: milliseconds. */
export const KEEP_ALIVE_MS = 72_000;
