// SPDX-License-Identifier: MIT
/**
 * Copy:    telemetry-core.ts
 * Place:   beside client/ and server/; client/telemetry.ts imports it.
 * Does:    says what a Telemetry port is told, and makes it: labels, spans' attributes, requests as a log can hold them, ids.
 * Doesn't: know calls or clocks.
 * With:    -
 * Source:  OpenTelemetry semantic conventions for gRPC (release candidate) for spans; gRFC A66 for labels; W3C Trace Context.
 */
import { randomBytes } from "node:crypto";
import type { Metadata } from "@grpc/grpc-js";

type Labels = Readonly<Record<string, string>>;

/** Where spans, metrics and log records go. Must not throw, and should not wait. */
export interface Telemetry {
  /** A span that has ended. Only those that are sampled come here. */
  span(span: SpanRecord): void;
  /** Adds to a counter. @default by 1 */
  count(name: string, labels: Labels, by?: number): void;
  /** Puts a value into a histogram: seconds for durations and delays, bytes for sizes. */
  record(name: string, value: number, labels: Labels): void;
  /** One line of the access log. Holds nothing that JSON cannot. */
  log?(record: CallRecord): void;
}

type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanRecord {
  name: string;
  kind: "client" | "server" | "internal";
  traceId: string;
  spanId: string;
  /** Undefined: the trace begins here. */
  parentSpanId?: string | undefined;
  /** Milliseconds since the epoch. */
  startMs: number;
  endMs: number;
  error: boolean;
  attributes: Attributes;
}

export interface CallRecord {
  side: "client" | "server";
  method: string;
  trace_id: string;
  span_id: string;
  request_id: string;
  /** The last host that was tried; "" if none was. */
  peer: string;
  /** Name of the status code. */
  code: string;
  /** ErrorInfo's, as far as client/errors.ts has read it. */
  reason?: string;
  ms: number;
  attempts: number;
  /** Milliseconds left of the call's deadline at its end; below 0 when it was late. Not there: no limit. */
  deadline_remaining?: number;
  /** The first message, with what must not be seen left out. */
  request?: unknown;
}

/** The value as JSON can hold it, with the named fields left out: int64 fields are bigint, which JSON.stringify throws at. */
export function loggable(value: unknown, redact: ReadonlySet<string>, depth = 0): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Date) return value.toJSON();
  if (depth === 8) return "…";
  if (Array.isArray(value)) return value.slice(0, 20).map((each) => loggable(each, redact, depth + 1));
  const shown = (key: string, each: unknown) => (redact.has(key) ? "[redacted]" : loggable(each, redact, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shown(key, each)]));
}

/** The labels of metrics: made once for each method and status, of which there are few. */
export class LabelCache {
  readonly #target: string;
  readonly #known = new Map<string, Map<string, Labels>>();

  constructor(target: string) {
    this.#target = target;
  }

  /** `path`: undefined for one that nobody knows, which may be anything. */
  of(path = "/other", code = ""): Labels {
    let ofMethod = this.#known.get(path);
    if (ofMethod === undefined) this.#known.set(path, (ofMethod = new Map()));
    let labels = ofMethod.get(code);
    if (labels === undefined) {
      labels = { "grpc.method": path.slice(1), "grpc.target": this.#target, ...(code && { "grpc.status": code }) };
      ofMethod.set(code, labels);
    }
    return labels;
  }
}

/** Four KiB of random bytes cost little more than eight: they are fetched together, and each is used once. */
let pool = Buffer.alloc(0);
let used = 0;

/** So many random bytes, in lower-case hex digits. */
export function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    pool = randomBytes(4_096);
    used = 0;
  }
  used += bytes;
  // Not a piece of one long text: whoever kept an id would keep all of that.
  return pool.toString("hex", used - bytes, used);
}

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A W3C traceparent. Undefined: there is none, or it is not valid. */
export function parseTraceparent(
  metadata: Metadata,
): { traceId: string; spanId: string; sampled: boolean } | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(String(metadata.get("traceparent")[0])) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** A span's name and rpc.method have few values, so a path that nobody knows is neither. */
export function describeSpan(
  path: string,
  method: object | undefined,
  target: string,
  code: string,
  more: Attributes = {},
) {
  const name = path.slice(1);
  const attributes: Record<string, string | number | boolean> = {
    "rpc.system.name": "grpc",
    "rpc.method": method ? name : "_OTHER",
    "rpc.response.status_code": code,
    "server.address": target,
    ...more,
  };
  if (!method) attributes["rpc.method_original"] = name;
  if (code !== "OK") attributes["error.type"] = code;
  return { name: method ? name : "grpc", error: code !== "OK", attributes };
}
