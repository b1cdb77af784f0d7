import { type StatusObject, status } from "@grpc/grpc-js";
import { type StatusDetails, statusOf } from "@holdfast/interceptors/status";
import { DatabaseError } from "@holdfast/storage/database-error";
import { domainOf } from "./domain-of.ts";
import { RemoteError } from "./remote-error.ts";
import { RpcError } from "./rpc-error.ts";

/**
 * Turns whatever a handler threw into the status that the client sees. What is no RpcError becomes one first: a
 * database that is away is UNAVAILABLE, a defect is INTERNAL with nothing but the correlation id.
 */
export function toStatus(error: unknown, call: { path: string; correlationId: string }): StatusObject {
  const known = toRpcError(error, call.correlationId);
  return statusOf(known.code, known.message, { ...detailsOf(known), domain: domainOf(known.reason, call.path) });
}

function detailsOf({ reason, metadata, violations, retryAfterMs, resource, precondition }: RpcError): StatusDetails {
  return { reason, metadata, violations, retryAfterMs, resource, precondition };
}

/** The error as the contract knows it. Its `cause` is what happened, for the log. */
export function toRpcError(error: unknown, correlationId: string): RpcError {
  if (error instanceof RpcError) return error;
  if (error instanceof DatabaseError) return fromDatabase(error, correlationId);
  if (error instanceof RemoteError) return fromRemote(error, correlationId);
  return internal(error, correlationId);
}

function internal(cause: unknown, correlationId: string): RpcError {
  const metadata = { correlation_id: correlationId };
  return new RpcError(status.INTERNAL, "INTERNAL", "Internal error", metadata, { cause });
}

function fromDatabase(cause: DatabaseError, correlationId: string): RpcError {
  switch (cause.kind) {
    case "deadline":
      return new RpcError(status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "The deadline passed", {}, { cause });
    case "cancelled":
      return new RpcError(status.CANCELLED, "CANCELLED", "The caller went away", {}, { cause });
    case "unavailable":
    case "lock_timeout":
    case "conflict":
      return new RpcError(
        status.UNAVAILABLE,
        "DEPENDENCY_UNAVAILABLE",
        "A part that the call needs does not answer",
        {},
        { cause, retryAfterMs: 500 },
      );
    default:
      // A constraint that no handler expected to be broken.
      return internal(cause, correlationId);
  }
}

/** The codes of a dependency that mean the same to our caller. Every other one is a defect of ours. Source: gRFC A54. */
function fromRemote(cause: RemoteError, correlationId: string): RpcError {
  switch (cause.code) {
    case status.DEADLINE_EXCEEDED:
      return new RpcError(status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "The deadline passed", {}, { cause });
    case status.CANCELLED:
      return new RpcError(status.CANCELLED, "CANCELLED", "The caller went away", {}, { cause });
    case status.UNAVAILABLE:
    case status.RESOURCE_EXHAUSTED:
      return new RpcError(
        status.UNAVAILABLE,
        "DEPENDENCY_UNAVAILABLE",
        "A part that the call needs does not answer",
        {},
        { cause },
      );
    default:
      return internal(cause, correlationId);
  }
}
