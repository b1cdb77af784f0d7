import type { IncomingMessage } from "node:http";

/** JSON under a status, or no answer at all: the connection ends. */
export type Reply = { status: number; body: object; headers?: Readonly<Record<string, string>> } | "drop";

interface HttpRequest {
  raw: IncomingMessage;
  query: URLSearchParams;
}

/** Answers a request. @throws {HttpError} With the answer, where the request is not a good one. */
export type HttpHandler = (request: HttpRequest) => Promise<Reply>;
