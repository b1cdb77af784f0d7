import { status } from "@grpc/grpc-js";
import type { Explanation, Unexplained } from "@holdfast/interceptors/server/status-guard";
import type { StatusDetails } from "@holdfast/interceptors/status";

/**
 * What a status without details means to the caller, most of them made by grpc-js. Its texts are for those who run the server, and
 * its codes blame the server for bytes that the client sent.
 */
export function explain({ code, origin, requestId }: Unexplained): Explanation {
  if (origin === "counting") return malformed("must be exactly one message");
  switch (code) {
    case status.RESOURCE_EXHAUSTED:
      return explained(code, "MESSAGE_TOO_LARGE", "Cannot accept the message: it is larger than the server takes");
    case status.UNIMPLEMENTED:
      return explained(code, "UNIMPLEMENTED", "Cannot read the message: the server does not know its compression");
    case status.CANCELLED:
      return explained(code, "CANCELLED", "The caller went away");
    case status.DEADLINE_EXCEEDED:
      return explained(code, "DEADLINE_EXCEEDED", "The deadline passed");
    case status.UNAVAILABLE:
      return explained(code, "DRAINING", "This instance is shutting down");
    default:
      if (origin === "reading") return malformed("must be framed, compressed and timed as gRPC has it");
      return explained(status.INTERNAL, "INTERNAL", "Internal error", { metadata: { correlation_id: requestId } });
  }
}

/** Bytes that are no request of the method. */
function malformed(description: string): Explanation {
  const details = { violations: [{ field: "", description }] };
  return explained(status.INVALID_ARGUMENT, "MALFORMED_REQUEST", `Cannot read the request: it ${description}`, details);
}

function explained(code: status, reason: string, text: string, details: Partial<StatusDetails> = {}): Explanation {
  return { code, text, details: { reason, ...details } };
}
