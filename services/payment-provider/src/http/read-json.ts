import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { HttpError } from "./http-error.ts";

/** Largest body. The largest good request is about 2 KiB. Unit: bytes. */
const MAX_BODY_BYTES = 16 * 1024;

/**
 * The body as `schema` wants it. Refuses other media types, invalid UTF-8, what is not JSON, and unknown fields.
 *
 * @throws {HttpError} 400 with the first problem; 413 for a body over 16 KiB.
 */
export async function readJson<Schema extends z.ZodType>(
  request: IncomingMessage,
  schema: Schema,
): Promise<z.output<Schema>> {
  const mediaType = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") throw invalid("content-type must be application/json");

  const result = schema.safeParse(parseJson(await readBody(request)));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.map(String).join(".");
  throw invalid(`${field ? `${field}: ` : ""}${issue?.message ?? "wrong"}`);
}

function parseJson(body: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw invalid("body is not UTF-8");
  }
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("body is not JSON");
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // The socket has to live on after an early end, because the answer is still to go through it.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) break;
      chunks.push(chunk);
    }
  } catch {
    throw invalid("body ended early");
  }
  if (size <= MAX_BODY_BYTES) return Buffer.concat(chunks);
  request.resume(); // The rest is thrown away as it comes.
  // … and not taken for the next request.
  throw new HttpError(413, "body_too_large", `body must have at most ${MAX_BODY_BYTES} bytes`, { connection: "close" });
}

function invalid(reason: string): HttpError {
  return new HttpError(400, "invalid_request", reason);
}
