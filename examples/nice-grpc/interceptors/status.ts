// SPDX-License-Identifier: MIT
/**
 * Copy:    status.ts
 * Place:   beside client/ and server/; most files import it.
 * Does:    makes and reads a status with google.rpc.Status details (ErrorInfo, RetryInfo, …), within what fits on the wire.
 * Doesn't: need generated code: the dozen fields are written and read by hand.
 * With:    -
 * Source:  AIP-193; google/rpc/error_details.proto; gRFC A6 for the limits of the trailer block.
 */
import { Metadata, type StatusObject, type status } from "@grpc/grpc-js";

/** The domain of reasons that these interceptors give. The one line to change in a copy. */
export const ERROR_DOMAIN = "type.ecommerce";

/** The trailer that carries google.rpc.Status. */
export const STATUS_DETAILS_KEY = "grpc-status-details-bin";

/** One field of a request and what is wrong with it. */
export interface FieldViolation {
  /** Path in the proto's own names, such as `items[3].quantity`. Empty for the request as a whole. */
  field: string;
  /** What the rule wants, for people. */
  description: string;
}

/** What a status says beside code and text. */
export interface StatusDetails {
  /** ErrorInfo: stable, UPPER_SNAKE_CASE, what callers decide by. */
  reason: string;
  /** ErrorInfo: who defines the reason. @default ERROR_DOMAIN */
  domain?: string;
  /** ErrorInfo: everything dynamic in the text, again for programs. */
  metadata?: Readonly<Record<string, string>>;
  /** RetryInfo: when to come back. Unit: milliseconds. */
  retryAfterMs?: number | undefined;
  /** BadRequest: which fields break which rule. */
  violations?: readonly FieldViolation[];
  /** QuotaFailure: whose quota is spent. */
  quota?: { subject: string; description: string } | undefined;
  /** ResourceInfo: what is not there, or there already. */
  resource?: { type: string; name: string } | undefined;
  /** PreconditionFailure: what stands in the way. */
  precondition?: { type: string; subject: string } | undefined;
  /** RequestInfo: what to quote in a report. */
  requestId?: string | undefined;
  /** DebugInfo: for callers that may see the inside. */
  debug?: string | undefined;
  /** Help: the first to go when room is short. */
  help?: { description: string; url: string } | undefined;
  /** LocalizedMessage: the second to go. */
  localized?: { locale: string; message: string } | undefined;
}

/** Longest text on the wire, percent-encoded as it is there. Unit: bytes. */
const MAX_TEXT_BYTES = 1_024;
/** Of the 8 KiB that a trailer block may have, base64, the text and other trailers leave this much. Unit: bytes. */
const MAX_DETAILS_BYTES = 4_800;

/** A status with its details, ready to be sent or handed to the caller. */
export function statusOf(code: status, text: string, details: StatusDetails): StatusObject {
  const fitting = fitText(text);
  const metadata = new Metadata();
  metadata.set(STATUS_DETAILS_KEY, encodeDetails(code, fitting, details));
  return { code, details: fitting, metadata };
}

/** The text as it can be sent: a lone surrogate in it would end a grpc-js server (`'😀'.slice(0, 1)` is enough). */
export function fitText(text: string): string {
  let cut = text.slice(0, MAX_TEXT_BYTES).toWellFormed();
  while (encodeURI(cut).length > MAX_TEXT_BYTES) cut = cut.slice(0, Math.floor(cut.length * 0.8)).toWellFormed();
  return cut;
}

/** google.rpc.Status, with the same code and text as the status itself; details that do not fit are left out. */
export function encodeDetails(code: status, text: string, details: StatusDetails): Buffer {
  const { violations = [], resource, precondition, quota, retryAfterMs, requestId, help, localized, debug } = details;
  const { reason, domain = ERROR_DOMAIN, metadata } = details;
  // The last of these goes first when room is short.
  const inOrder = [
    any("ErrorInfo", [short(1, reason), short(2, domain), ...mapEntries(3, metadata)]),
    retryAfterMs !== undefined && any("RetryInfo", [message(1, duration(retryAfterMs))]),
    quota && any("QuotaFailure", [message(1, [short(1, quota.subject), short(2, quota.description)])]),
    requestId && any("RequestInfo", [short(1, requestId)]),
    resource && any("ResourceInfo", [short(1, resource.type), short(2, resource.name)]),
    precondition &&
      any("PreconditionFailure", [
        message(1, [short(1, precondition.type), short(2, precondition.subject), short(3, text)]),
      ]),
    violations.length > 0 && any("BadRequest", fittingViolations(violations)),
    debug !== undefined && any("DebugInfo", [string(2, debug)]),
    localized && any("LocalizedMessage", [string(1, localized.locale), string(2, localized.message)]),
    help && any("Help", [message(1, [string(1, help.description), string(2, help.url)])]),
  ].filter((each) => Buffer.isBuffer(each));
  const size = () => inOrder.reduce((sum, each) => sum + each.length + 4, Buffer.byteLength(text) + 16);
  while (inOrder.length > 1 && size() > MAX_DETAILS_BYTES) inOrder.pop();
  return Buffer.concat([varintField(1, code), string(2, text), ...inOrder.map((each) => message(3, [each]))]);
}

/** Reads google.rpc.Status from trailers. Undefined when there is none, or none with an ErrorInfo: a peer may be anything. */
export function detailsOf(metadata: Metadata | undefined): StatusDetails | undefined {
  const [bytes] = metadata?.get(STATUS_DETAILS_KEY) ?? [];
  return Buffer.isBuffer(bytes) ? decodeDetails(bytes) : undefined;
}

/** Reads google.rpc.Status. RetryInfo alone gives an empty reason. */
export function decodeDetails(bytes: Uint8Array): StatusDetails | undefined {
  const found: StatusDetails = { reason: "" };
  let known = false;
  try {
    for (const detail of fieldsOf(bytes).filter(({ number }) => number === 3)) {
      const parts = fieldsOf(detail.bytes);
      const type = textOf(parts, 1);
      const value = fieldsOf(parts.find(({ number }) => number === 2)?.bytes ?? new Uint8Array());
      known = readDetail(type.slice(type.lastIndexOf("/") + 1), value, found) || known;
    }
  } catch {
    // Not ours: code and text are all there is.
    return undefined;
  }
  return known ? found : undefined;
}

function readDetail(type: string, value: readonly Field[], into: StatusDetails): boolean {
  // Field 1 is a message in some of these types only: read where it is one.
  const inner = () => fieldsOf(value.find(({ number }) => number === 1)?.bytes ?? new Uint8Array());
  switch (type) {
    case "google.rpc.ErrorInfo":
      into.reason = textOf(value, 1);
      into.domain = textOf(value, 2);
      into.metadata = Object.fromEntries(
        value
          .filter(({ number }) => number === 3)
          .map(({ bytes }) => {
            const entry = fieldsOf(bytes);
            return [textOf(entry, 1), textOf(entry, 2)];
          }),
      );
      return true;
    case "google.rpc.RetryInfo":
      into.retryAfterMs = numberOf(inner(), 1) * 1_000 + numberOf(inner(), 2) / 1_000_000;
      return true;
    case "google.rpc.BadRequest":
      into.violations = value.map(({ bytes }) => {
        const violation = fieldsOf(bytes);
        return { field: textOf(violation, 1), description: textOf(violation, 2) };
      });
      return true;
    case "google.rpc.QuotaFailure":
      into.quota = { subject: textOf(inner(), 1), description: textOf(inner(), 2) };
      return true;
    case "google.rpc.ResourceInfo":
      into.resource = { type: textOf(value, 1), name: textOf(value, 2) };
      return true;
    case "google.rpc.PreconditionFailure":
      into.precondition = { type: textOf(inner(), 1), subject: textOf(inner(), 2) };
      return true;
    case "google.rpc.RequestInfo":
      into.requestId = textOf(value, 1);
      return true;
    case "google.rpc.DebugInfo":
      into.debug = textOf(value, 2);
      return true;
    case "google.rpc.LocalizedMessage":
      into.localized = { locale: textOf(value, 1), message: textOf(value, 2) };
      return true;
    case "google.rpc.Help":
      into.help = { description: textOf(inner(), 1), url: textOf(inner(), 2) };
      return true;
    default:
      return false;
  }
}

/** Marks a status that no server sent: the call never left this process. */
const LOCAL = Symbol.for("grpc.local-rejection");

/** A status that is given before the wire is touched. Breakers and limits do not count it as the server's. */
export function localStatus(code: status, text: string, details: StatusDetails): StatusObject {
  return Object.assign(statusOf(code, text, details), { [LOCAL]: true });
}

export function isLocal(status: StatusObject): boolean {
  return LOCAL in status;
}

// --- protobuf, as much of it as these messages need

interface Field {
  number: number;
  /** Of a varint: its value. Of everything else 0. */
  value: number;
  /** Of a length-delimited field: its bytes. */
  bytes: Uint8Array;
}

function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError("Truncated");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw new RangeError("Not a varint");
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const type = tag % 8;
    if (type === 0) {
      fields.push({ number, value: varint(), bytes: new Uint8Array() });
      continue;
    }
    const length = type === 2 ? varint() : type === 5 ? 4 : type === 1 ? 8 : -1;
    if (length < 0 || at + length > bytes.length) throw new RangeError("Not a message");
    fields.push({ number, value: 0, bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return fields;
}

function textOf(fields: readonly Field[], number: number): string {
  return Buffer.from(fields.findLast((field) => field.number === number)?.bytes ?? []).toString();
}

function numberOf(fields: readonly Field[], number: number): number {
  return fields.findLast((field) => field.number === number)?.value ?? 0;
}

function varintBytes(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

function varintField(number: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.concat([varintBytes(number * 8), varintBytes(value)]);
}

function message(number: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([varintBytes(number * 8 + 2), varintBytes(body.length), body]);
}

function string(number: number, text: string): Buffer {
  return text === "" ? Buffer.alloc(0) : message(number, [Buffer.from(text.toWellFormed())]);
}

function short(number: number, text: string): Buffer {
  return string(number, cut(text, 200));
}

/** google.protobuf.Any of a google.rpc message. */
function any(name: string, parts: readonly Buffer[]): Buffer {
  return Buffer.concat([string(1, `type.googleapis.com/google.rpc.${name}`), message(2, parts)]);
}

function mapEntries(number: number, map: Readonly<Record<string, string>> = {}): Buffer[] {
  const entries = Object.entries(map).slice(0, 8);
  return entries.map(([key, value]) => message(number, [string(1, cut(key, 64)), string(2, cut(value, 128))]));
}

/** google.protobuf.Duration of 0 to 100 days: whoever gives anything else gets the nearest of them. */
function duration(given: number): Buffer[] {
  const ms = Math.min(Math.max(given || 0, 0), 8_640_000_000);
  const seconds = Math.floor(ms / 1_000);
  return [varintField(1, seconds), varintField(2, Math.floor((ms - seconds * 1_000) * 1_000_000))];
}

/** As many violations as half of the room holds. */
function fittingViolations(violations: readonly FieldViolation[]): Buffer[] {
  const kept: Buffer[] = [];
  let room = MAX_DETAILS_BYTES / 2;
  for (const { field, description } of violations) {
    const bytes = message(1, [short(1, field), short(2, description)]);
    room -= bytes.length;
    if (room < 0) break;
    kept.push(bytes);
  }
  return kept;
}

function cut(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text.toWellFormed());
  if (bytes.length <= maxBytes) return text.toWellFormed();
  // A character cut in half decodes to U+FFFD.
  const kept = bytes.subarray(0, maxBytes).toString();
  return kept.replace(/\uFFFD$/, "");
}
