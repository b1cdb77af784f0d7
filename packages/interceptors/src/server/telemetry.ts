// SPDX-License-Identifier: MIT
/**
 * Copy:    server/telemetry.ts
 * Place:   server, just inside of context and outside of all that may refuse a call.
 * Does:    one span (child of the client's attempt), A66's metrics and one log record per call, however it ends: refused,
 *          cancelled, or with a status of grpc-js' own, of which server/status-guard.ts tells.
 * Doesn't: see calls of methods that nobody serves: for those grpc-js runs no interceptors. Know message sizes natively,
 *          where messages are objects until below it: where the handler deals in bytes, it measures those.
 * With:    context.ts, status.ts
 * Source:  OpenTelemetry semantic conventions for gRPC (release candidate) for spans; gRFC A66 for metrics.
 */
import { randomUUID } from "node:crypto";
import { ServerInterceptingCall, type ServerInterceptor, type StatusObject, status } from "@grpc/grpc-js";
import { type Clock, type RpcContext, rpcContext, systemClock, unseenStatus } from "../context.ts";
import { detailsOf } from "../status.ts";

/** Where spans, metrics and log records go. Must not throw, and should not wait. */
export interface Telemetry {
  /** A span that has ended. Only those that are sampled come here. */
  span(span: SpanRecord): void;
  /** Adds to a counter. @default by 1 */
  count(name: string, labels: Readonly<Record<string, string>>, by?: number): void;
  /** Puts a value into a histogram: seconds for durations and delays, bytes for sizes. */
  record(name: string, value: number, labels: Readonly<Record<string, string>>): void;
  /** One line of the access log. Holds nothing that JSON cannot. */
  log?(record: CallRecord): void;
}

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
  attributes: Readonly<Record<string, string | number | boolean>>;
}

export interface CallRecord {
  side: "client" | "server";
  method: string;
  trace_id: string;
  span_id: string;
  request_id: string;
  peer: string;
  /** Name of the status code. */
  code: string;
  /** ErrorInfo's. */
  reason?: string;
  ms: number;
  /** Which attempt of the caller's this is: one more than `grpc-previous-rpc-attempts`. */
  attempts: number;
  /** Milliseconds left of the call's deadline at its end; below 0 when it was late. Not there: no limit. */
  deadline_remaining?: number;
  /** The first message, with what must not be seen left out. */
  request?: unknown;
}

export interface ServerTelemetryOptions {
  /** Undefined: nothing is recorded, and no layer is put around the call. */
  telemetry?: Telemetry | undefined;
  /** What the contract says of a method. Others are counted together, as "other". */
  methods: (path: string) => object | undefined;
  /** Whether log records hold the request. @default false */
  logRequests?: boolean;
  /** Names of fields, at any depth, whose values are never logged. @default none */
  redact?: readonly string[];
}

export interface Env {
  clock?: Clock;
  /** A random UUID, version 4. */
  uuid?: () => string;
}

/** The codes that are the server's fault, as the conventions have it for spans of servers. */
const FAULTS: ReadonlySet<status> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** Records every call. @throws {TypeError} If there is something to redact, and nothing it would be left out of. */
export function telemetry(
  { telemetry: port, methods, logRequests = false, redact }: ServerTelemetryOptions,
  { clock = systemClock, uuid = randomUUID }: Env = {},
): ServerInterceptor {
  if (redact !== undefined && !logRequests) {
    throw new TypeError("Cannot build telemetry: redact has no effect, logRequests must be true with it");
  }
  // Both are the same interface; grpc-js' type names the class.
  if (port === undefined) return (_, call) => call as ServerInterceptingCall;
  const redacted = new Set(redact);
  return ({ path }, call) => {
    const labels = { "grpc.method": methods(path) ? path.slice(1) : "other" };
    const sizes = { sent: 0, rcvd: 0, known: false };
    let record: Recording | undefined;
    let request: unknown;

    const measure = (direction: "sent" | "rcvd", message: unknown): void => {
      if (!(message instanceof Uint8Array)) return;
      sizes.known = true;
      sizes[direction] += message.length;
    };
    const finish = (
      result: Pick<StatusObject, "code"> & { metadata?: StatusObject["metadata"] | null | undefined },
    ) => {
      if (record === undefined || record.finished) return;
      record.finished = true;
      const endMs = clock.now();
      const code = status[result.code] ?? "UNKNOWN";
      const withStatus = { ...labels, "grpc.status": code };
      port.record("grpc.server.call.duration", (endMs - record.startMs) / 1_000, withStatus);
      if (sizes.known) {
        port.record("grpc.server.call.sent_total_compressed_message_size", sizes.sent, withStatus);
        port.record("grpc.server.call.rcvd_total_compressed_message_size", sizes.rcvd, withStatus);
      }
      if (record.sampled) port.span(spanOf(record, endMs, path, result.code));
      const reason = result.code === status.OK ? undefined : detailsOf(result.metadata ?? undefined)?.reason;
      port.log?.(callRecordOf(record, endMs, { method: path.slice(1), code, reason, request }));
    };
    const within = (work: () => void): void =>
      record?.inner === undefined ? work() : rpcContext.run(record.inner, work);

    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, nextMetadata) => {
            port.count("grpc.server.call.started", labels);
            const [parent] = metadata.get("traceparent");
            record = begin(rpcContext.get(), String(parent), { startMs: clock.now(), peer: call.getPeer(), uuid });
            within(() => nextMetadata(metadata));
          },
          onReceiveMessage: (message, nextMessage) => {
            measure("rcvd", message);
            if (logRequests) request ??= loggable(message, redacted);
            within(() => nextMessage(message));
          },
          onReceiveHalfClose: (nextHalfClose) => within(nextHalfClose),
          onCancel: () => {
            // Comes after a normal end too: that has been recorded by then.
            const late = clock.now() >= (record?.deadline ?? Infinity);
            finish(unseenStatus.get() ?? { code: late ? status.DEADLINE_EXCEEDED : status.CANCELLED });
          },
        }),
      sendMessage: (message, next) => {
        measure("sent", message);
        next(message);
      },
      sendStatus: (result, next) => {
        // Before it is handed on: who waits for the status finds the record.
        try {
          finish(result);
        } finally {
          next(result);
        }
      },
    });
  };
}

/** What is known of a call while it lasts. */
interface Recording {
  startMs: number;
  peer: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  sampled: boolean;
  requestId: string;
  attempts: number;
  deadline: number;
  /** What handles the call runs in it: its own calls are children of this span. */
  inner: RpcContext | undefined;
  finished: boolean;
}

function begin(
  outer: RpcContext | undefined,
  traceparent: string,
  { startMs, peer, uuid }: { startMs: number; peer: string; uuid: () => string },
): Recording {
  const id = uuid();
  const spanId = id.slice(24) + id.slice(0, 4);
  const { traceId, spanId: outerSpan, sampled } = outer?.trace ?? { traceId: "", spanId: "", sampled: false };
  return {
    startMs,
    peer,
    traceId,
    spanId,
    // Of a trace that begins here the context has a span that nobody records.
    parentSpanId: outer !== undefined && traceparent.split("-")[2] === outerSpan ? outerSpan : undefined,
    sampled,
    requestId: outer?.requestId ?? "",
    attempts: (outer?.previousAttempts ?? 0) + 1,
    deadline: outer?.deadline ?? Infinity,
    inner: outer && { ...outer, trace: { ...outer.trace, spanId } },
    finished: false,
  };
}

function spanOf(record: Recording, endMs: number, path: string, result: status): SpanRecord {
  const { traceId, spanId, parentSpanId, startMs, peer } = record;
  const code = status[result] ?? "UNKNOWN";
  const error = FAULTS.has(result);
  const [, address = peer, port] = /^(.*):(\d+)$/.exec(peer) ?? [];
  const attributes = {
    "rpc.system.name": "grpc",
    "rpc.method": path.slice(1),
    "rpc.response.status_code": code,
    ...(error && { "error.type": code }),
    "client.address": address,
    ...(port !== undefined && { "client.port": Number(port) }),
    "previous-rpc-attempts": record.attempts - 1,
  };
  return { name: path.slice(1), kind: "server", traceId, spanId, parentSpanId, startMs, endMs, error, attributes };
}

function callRecordOf(
  record: Recording,
  endMs: number,
  { method, code, reason, request }: { method: string; code: string; reason: string | undefined; request: unknown },
): CallRecord {
  return {
    side: "server",
    method,
    trace_id: record.traceId,
    span_id: record.spanId,
    request_id: record.requestId,
    peer: record.peer,
    code,
    ...(reason !== undefined && { reason }),
    ms: endMs - record.startMs,
    attempts: record.attempts,
    ...(record.deadline !== Infinity && { deadline_remaining: Math.round(record.deadline - endMs) }),
    ...(request !== undefined && { request }),
  };
}

/** The value as JSON can hold it, without the named fields: int64 fields are bigint, which JSON.stringify throws at. */
export function loggable(value: unknown, redact: ReadonlySet<string>, depth = 0): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Date) return value.toJSON();
  if (depth === 8) return "…";
  if (Array.isArray(value)) return value.slice(0, 20).map((each) => loggable(each, redact, depth + 1));
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, each]) => [key, redact.has(String(key)) ? "[redacted]" : loggable(each, redact, depth + 1)]),
  );
}
