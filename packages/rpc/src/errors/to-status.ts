import { status } from "@grpc/grpc-js";
import { ErrorReason as CommonReason } from "@holdfast/contracts/ecommerce/type/v1/error_reason";
import { DatabaseError } from "@holdfast/storage/database-error";
import { RemoteError } from "./remote-error.ts";
import { RpcError } from "./rpc-error.ts";
import { encodeDetails } from "./status-details.ts";

/** A gRPC status as it goes on the wire. */
export interface WireStatus {
  code: status;
  details: string;
  /** Serialized google.rpc.Status, for the trailer grpc-status-details-bin. */
  statusDetails: Buffer;
}

/** Longest text that goes on the wire, percent-encoded; the whole trailer block has to stay below 8 KiB. Unit: bytes. */
const MAX_DETAILS_BYTES = 1_024;

/**
 * Turns whatever a handler threw into the status that the client sees. What is no RpcError becomes one first: a
 * database that is away is UNAVAILABLE, a defect is INTERNAL with nothing but the correlation id.
 */
export function toStatus(error: unknown, call: { servicePackage: string; correlationId: string }): WireStatus {
  const known = toRpcError(error, call.correlationId);
  // A lone surrogate in the details ends a grpc-js server (URIError in encodeURI): half an emoji is enough.
  const details = cutEncoded(known.message.toWellFormed(), MAX_DETAILS_BYTES);
  const domain = `ERROR_REASON_${known.reason}` in CommonReason ? "type.ecommerce" : `${call.servicePackage}.ecommerce`;
  return { code: known.code, details, statusDetails: encodeDetails(known, details, domain) };
}

function cutEncoded(text: string, maxBytes: number): string {
  let cut = text.slice(0, maxBytes).toWellFormed();
  while (encodeURI(cut).length > maxBytes) cut = cut.slice(0, Math.floor(cut.length * 0.8)).toWellFormed();
  return cut;
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
