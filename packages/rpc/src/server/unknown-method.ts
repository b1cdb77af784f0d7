import { subscribe } from "node:diagnostics_channel";
import { constants, type ServerHttp2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import { STATUS_DETAILS_KEY } from "@holdfast/interceptors/status";
import { RpcError } from "../errors/rpc-error.ts";
import { toStatus } from "../errors/to-status.ts";

/** Paths of all methods that this process serves. */
const served = new Set<string>();
let watching = false;

/**
 * Gives the status of a call to a method that nobody serves ErrorInfo and a text of ours. grpc-js answers such a call before
 * any interceptor, echoes the path, and has no handler for the rest; what is left is the HTTP/2 stream itself, which Node
 * announces before the server sees it. Source: Node.js, diagnostics_channel, `http2.server.stream.created`.
 */
export function explainUnknownMethods(paths: Iterable<string>): void {
  for (const path of paths) served.add(path);
  if (watching) return;
  watching = true;
  subscribe("http2.server.stream.created", (message) => {
    const { stream, headers } = message as { stream: ServerHttp2Stream; headers: Record<string, unknown> };
    const path = String(headers[constants.HTTP2_HEADER_PATH]);
    const isGrpc = String(headers[constants.HTTP2_HEADER_CONTENT_TYPE]).startsWith("application/grpc");
    if (!isGrpc || served.has(path)) return;
    const respond = stream.respond.bind(stream);
    stream.respond = (answer, options) => respond(Object.assign({}, answer, explanation(path)), options);
  });
}

function explanation(path: string): Record<string, string | number> {
  const error = new RpcError(status.UNIMPLEMENTED, "UNIMPLEMENTED", "The server has no such method");
  const { code, details, metadata } = toStatus(error, { path, correlationId: "" });
  const [statusDetails = ""] = metadata.get(STATUS_DETAILS_KEY);
  return {
    "grpc-status": code,
    "grpc-message": encodeURI(details),
    [STATUS_DETAILS_KEY]: Buffer.from(statusDetails).toString("base64"),
  };
}
