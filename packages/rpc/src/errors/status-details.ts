import type { Any } from "@holdfast/contracts/google/protobuf/any";
import {
  BadRequest,
  BadRequest_FieldViolation,
  ErrorInfo,
  PreconditionFailure,
  ResourceInfo,
  RetryInfo,
} from "@holdfast/contracts/google/rpc/error_details";
import { Status } from "@holdfast/contracts/google/rpc/status";
import type { RemoteError } from "./remote-error.ts";
import type { FieldViolation, RpcError } from "./rpc-error.ts";

/** The trailer that carries google.rpc.Status. */
export const STATUS_DETAILS_KEY = "grpc-status-details-bin";

/** Of the 8 KiB of the trailer block, base64 and the status text leave this much. Unit: bytes. */
const MAX_DETAILS_BYTES = 4_800;

/** Serializes an error as google.rpc.Status with ErrorInfo and what else it has. */
export function encodeDetails(error: RpcError, message: string, domain: string): Buffer {
  const details = [any("ErrorInfo", ErrorInfo.encode({ reason: error.reason, domain, metadata: cut(error.metadata) }))];
  if (error.violations.length > 0) {
    details.push(any("BadRequest", BadRequest.encode({ fieldViolations: fitting(error.violations) })));
  }
  if (error.retryAfterMs !== undefined) {
    const seconds = BigInt(Math.floor(error.retryAfterMs / 1_000));
    const nanos = Math.round((error.retryAfterMs % 1_000) * 1_000_000);
    details.push(any("RetryInfo", RetryInfo.encode({ retryDelay: { seconds, nanos } })));
  }
  if (error.resource !== undefined) {
    const { type: resourceType, name: resourceName } = error.resource;
    details.push(any("ResourceInfo", ResourceInfo.encode({ resourceType, resourceName, owner: "", description: "" })));
  }
  if (error.precondition !== undefined) {
    const violations = [{ ...error.precondition, description: message }];
    details.push(any("PreconditionFailure", PreconditionFailure.encode({ violations })));
  }
  return Buffer.from(Status.encode({ code: error.code, message, details }).finish());
}

/** Reads google.rpc.Status back. Bytes that are none give an empty result: a peer may be anything. */
export function decodeDetails(bytes: Uint8Array | undefined): Partial<RemoteError> {
  if (bytes === undefined) return {};
  const found: { -readonly [Key in "reason" | "metadata" | "retryAfterMs" | "violations"]?: RemoteError[Key] } = {};
  try {
    for (const { typeUrl, value } of Status.decode(bytes).details) {
      const type = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
      if (type === "google.rpc.ErrorInfo") {
        const { reason, metadata } = ErrorInfo.decode(value);
        Object.assign(found, { reason, metadata });
      } else if (type === "google.rpc.RetryInfo") {
        const { retryDelay } = RetryInfo.decode(value);
        if (retryDelay !== undefined) {
          found.retryAfterMs = Number(retryDelay.seconds) * 1_000 + retryDelay.nanos / 1_000_000;
        }
      } else if (type === "google.rpc.BadRequest") {
        found.violations = BadRequest.decode(value).fieldViolations;
      }
    }
  } catch {
    // Not ours: code and text are all there is.
    return {};
  }
  return found;
}

/** As many violations as half of the room holds. */
function fitting(violations: readonly FieldViolation[]): BadRequest_FieldViolation[] {
  let room = MAX_DETAILS_BYTES / 2;
  const kept: BadRequest_FieldViolation[] = [];
  for (const { field, description } of violations) {
    const violation = BadRequest_FieldViolation.fromPartial({
      field: cutBytes(field, 200),
      description: cutBytes(description, 200),
    });
    room -= BadRequest_FieldViolation.encode(violation).finish().length + 4;
    if (room < 0) break;
    kept.push(violation);
  }
  return kept;
}

function any(name: string, message: { finish(): Uint8Array }): Any {
  return { typeUrl: `type.googleapis.com/google.rpc.${name}`, value: Buffer.from(message.finish()) };
}

function cut(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(metadata).slice(0, 8);
  return Object.fromEntries(entries.map(([key, value]) => [key, cutBytes(value, 128)]));
}

function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text.toWellFormed());
  // A character cut in half decodes to U+FFFD, which is three bytes: one more cut takes it off.
  return bytes.length <= maxBytes
    ? text.toWellFormed()
    : bytes
        .subarray(0, maxBytes)
        .toString()
        .replace(/\uFFFD$/, "");
}
