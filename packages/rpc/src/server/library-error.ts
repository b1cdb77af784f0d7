import { status } from "@grpc/grpc-js";
import { RpcError } from "../errors/rpc-error.ts";

/**
 * What a status that grpc-js made by itself means to the caller. Its texts are for those who run the server, and its codes
 * blame the server for bytes that the client sent.
 *
 * @param code As grpc-js has it.
 * @param whileSending Whether it came up while a response was being sent: that is a defect of ours.
 */
export function libraryError(code: status, whileSending: boolean, correlationId: string): RpcError {
  switch (code) {
    case status.RESOURCE_EXHAUSTED:
      return new RpcError(code, "MESSAGE_TOO_LARGE", "Cannot accept the message: it is larger than the server takes");
    case status.UNIMPLEMENTED:
      return new RpcError(code, "UNIMPLEMENTED", "Cannot read the message: the server does not know its compression");
    case status.CANCELLED:
      return new RpcError(code, "CANCELLED", "The caller went away");
    case status.DEADLINE_EXCEEDED:
      return new RpcError(code, "DEADLINE_EXCEEDED", "The deadline passed");
    case status.UNAVAILABLE:
      return new RpcError(code, "DRAINING", "This instance is shutting down");
    default:
      if (!whileSending) return malformed("must be framed, compressed and timed as gRPC has it");
      return new RpcError(status.INTERNAL, "INTERNAL", "Internal error", { correlation_id: correlationId });
  }
}

/** Bytes that are no request of the method. */
export function malformed(description: string): RpcError {
  const violations = [{ field: "", description }];
  return new RpcError(
    status.INVALID_ARGUMENT,
    "MALFORMED_REQUEST",
    `Cannot read the request: it ${description}`,
    {},
    { violations },
  );
}
