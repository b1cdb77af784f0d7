// SPDX-License-Identifier: MIT
/**
 * Copy:    idempotency-answers.ts
 * Place:   beside server/idempotency.ts, which uses it.
 * Does:    reads a key, decides what of an answer is kept under it, and makes the statuses that a key can lead to.
 * Doesn't: keep anything.
 * With:    idempotency-store.ts, status.ts
 * Source:  draft-ietf-httpapi-idempotency-key-header; AIP-155.
 */
import { createHash } from "node:crypto";
import { Metadata, type ServerInterceptingCallInterface, type StatusObject, status } from "@grpc/grpc-js";
import { STATUS_DETAILS_KEY, statusOf } from "./status.ts";
import type { Begun, StoredAnswer } from "./idempotency-store.ts";

/** UNAVAILABLE is not among them: it says that it may work another time, not that nothing has happened. */
export const RELEASED: readonly status[] = [
  status.INVALID_ARGUMENT,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
];
/** The handler may have done the work or not: the claim stays until its lease ends. */
const OPEN: readonly status[] = [status.CANCELLED, status.DEADLINE_EXCEEDED, status.UNAVAILABLE];

/** What becomes of a claim when its handler ends with `code`. */
export function outcomeOf(code: status, releaseOn: readonly status[] = RELEASED): "store" | "abandon" | "keep_open" {
  if (releaseOn.includes(code)) return "abandon";
  return OPEN.includes(code) ? "keep_open" : "store";
}

/** A key in a field is the handler's business; without side effects there is nothing to repeat. */
export function mayCarryKey({ key, idempotency }: { key: string; idempotency: string }): boolean {
  return key === "metadata" || (key === "none" && idempotency !== "NO_SIDE_EFFECTS");
}

/**
 * The key that the metadata carries: undefined for none, null for one that cannot be used. Visible characters only: Node joins
 * several values of one key with ", ", and two keys must not become a third.
 */
export function readKey(metadata: Metadata): string | undefined | null {
  const values = metadata.get("idempotency-key");
  if (values.length === 0) return undefined;
  const [key] = values;
  return values.length === 1 && typeof key === "string" && /^[!-~]{1,255}$/.test(key) ? key : null;
}

/** SHA-256 of a request: equal for equal requests only. */
export function fingerprintOf(path: string, request: unknown, encode?: (message: unknown) => Uint8Array): Uint8Array {
  if (encode === undefined && !(request instanceof Uint8Array)) {
    throw new TypeError(`Cannot compare requests of ${path}: it has no encodeRequest`);
  }
  return createHash("sha256")
    .update(encode === undefined ? (request as Uint8Array) : encode(request))
    .digest();
}

/** What is kept of an answer. A response of more than `maxBytes` is not, but that there was one is. */
export function answerOf(
  { code, details, metadata }: Parameters<ServerInterceptingCallInterface["sendStatus"]>[0],
  response: Uint8Array | undefined,
  maxBytes: number,
): StoredAnswer {
  const kept = code === status.OK && response !== undefined && response.length <= maxBytes;
  const trailers: Record<string, string[]> = {};
  for (const key of Object.keys(metadata?.getMap() ?? {})) {
    // What the library and the network say of one attempt is not part of the answer; when to come back neither.
    if (key.startsWith("grpc-") && key !== STATUS_DETAILS_KEY) continue;
    trailers[key] = (metadata?.get(key) ?? []).map((value) =>
      typeof value === "string" ? value : value.toString("base64"),
    );
  }
  return {
    code: code ?? status.UNKNOWN,
    details: details ?? "",
    trailers: JSON.stringify(trailers),
    response: kept ? response : undefined,
  };
}

export function readTrailers(text: string): Metadata {
  const metadata = new Metadata();
  for (const [key, values] of Object.entries(JSON.parse(text) as Record<string, string[]>)) {
    for (const value of values) metadata.add(key, key.endsWith("-bin") ? Buffer.from(value, "base64") : value);
  }
  return metadata;
}

const KEY_FIELD = "idempotency-key";

export function keyRequired(): StatusObject {
  const violations = [{ field: KEY_FIELD, description: "must be in the metadata of this method's calls" }];
  const text = "Cannot accept the call: it has no idempotency key";
  return statusOf(status.INVALID_ARGUMENT, text, { reason: "IDEMPOTENCY_KEY_REQUIRED", violations });
}

export function badKey(): StatusObject {
  const violations = [{ field: KEY_FIELD, description: "must be one value of 1 to 255 printable ASCII characters" }];
  const text = "Cannot accept the call: its idempotency key is not one";
  return statusOf(status.INVALID_ARGUMENT, text, { reason: "VALIDATION_FAILED", violations });
}

/** Why a call with a key that is known does not run, where there is no answer to repeat. */
export function refusalFor(begun: Exclude<Begun, { kind: "new" | "replay" }>, retryAfterMs: number): StatusObject {
  switch (begun.kind) {
    case "mismatch":
      return reused();
    case "in_progress":
      return inUse(Math.max(1, Math.min(retryAfterMs, begun.leaseLeftMs)));
    case "unknown":
      return outcomeUnknown();
    default:
      return begun satisfies never;
  }
}

function reused(): StatusObject {
  const text = "Cannot accept the call: its idempotency key was used with another request";
  return statusOf(status.INVALID_ARGUMENT, text, { reason: "IDEMPOTENCY_KEY_REUSED" });
}

export function inUse(retryAfterMs: number): StatusObject {
  const text = "Cannot answer yet: a call with this idempotency key is in progress";
  return statusOf(status.ABORTED, text, { reason: "IDEMPOTENCY_KEY_IN_USE", retryAfterMs });
}

function outcomeUnknown(): StatusObject {
  const text = "Cannot answer: an earlier call with this idempotency key ended in the middle";
  const details = { reason: "OUTCOME_UNKNOWN", precondition: { type: "IDEMPOTENCY_KEY", subject: KEY_FIELD } };
  return statusOf(status.FAILED_PRECONDITION, text, details);
}

/** The call has been done: doing it with another key would do it twice. */
export function notKept(): StatusObject {
  const text = "Cannot repeat the answer: the call was done, and its response was too large to keep; read the result";
  return statusOf(status.FAILED_PRECONDITION, text, {
    reason: "RESPONSE_NOT_KEPT",
    metadata: { outcome: "OK", reread: "true" },
  });
}

export function storeAway(retryAfterMs: number): StatusObject {
  const text = "Cannot take the call: idempotency keys cannot be looked up at the moment";
  return statusOf(status.UNAVAILABLE, text, { reason: "DEPENDENCY_UNAVAILABLE", retryAfterMs });
}

export function internalError(): StatusObject {
  return statusOf(status.INTERNAL, "Internal error", { reason: "INTERNAL" });
}
