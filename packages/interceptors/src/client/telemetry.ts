// SPDX-License-Identifier: MIT
/**
 * Copy:    client/telemetry.ts
 * Place:   client, twice: callTelemetry just inside context, outside all else; attemptTelemetry innermost.
 * Does:    one span, one duration and one log record per call; one span, its traceparent and A66's metrics per attempt.
 *          Everything goes to a Telemetry port of plain data, behind which any library fits.
 * Doesn't: see grpc-js' transparent retries; know message sizes natively, where messages are objects until below it:
 *          through a channel wrapper they are bytes. Decide what is sampled: it follows traceparent.
 * With:    -
 * Source:  OpenTelemetry semantic conventions for gRPC (release candidate) for spans; gRFC A66 and A96 for metrics.
 */
import { randomUUID } from "node:crypto";
import { InterceptingCall, status } from "@grpc/grpc-js";
import type { Interceptor, InterceptorOptions, Metadata, StatusObject } from "@grpc/grpc-js";

type Listener = Required<NonNullable<Parameters<InterceptingCall["start"]>[1]>>;

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

export interface ClientTelemetryOptions {
  /** Undefined: nothing is recorded, and no layer is put around the call. */
  telemetry?: Telemetry | undefined;
  /** What the contract says of a method. Others are counted together, as "other": a path may be anything. */
  methods: (path: string) => { hedge?: boolean | undefined } | undefined;
  /** What the channel was made for. */
  target: string;
  /** Whether log records hold the request. @default false */
  logRequests?: boolean;
  /** Names of fields, at any depth, whose values are never logged. @default none */
  redact?: readonly string[];
}

interface Env {
  clock?: { now(): number } | undefined;
  uuid?: (() => string) | undefined;
}

/** What the attempts of a call know of it, and tell it. */
interface CallSpan {
  traceId: string;
  spanId: string;
  sampled: boolean;
  attempts: number;
  active: number;
  /** When the last attempt ended, while none is active. */
  idleSince: number | undefined;
  delayMs: number;
  peer: string;
  deadline: number;
}

/** The call's span, on its way through the options to the attempts. */
const CALL_SPAN: unique symbol = Symbol.for("grpc.call-span");
/** Set by client/context.ts: the span that traceparent names is the call's own. */
const ROOT_SPAN: unique symbol = Symbol.for("grpc.root-span");
/** Set by client/attempt-timeout.ts, which shortens the deadline that an attempt sees. */
const CALL_DEADLINE: unique symbol = Symbol.for("grpc.call-deadline");
type Options = InterceptorOptions & { [CALL_SPAN]?: CallSpan; [ROOT_SPAN]?: true; [CALL_DEADLINE]?: number };

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** One span, one log record and the call's metrics. @throws {TypeError} If `redact` has nothing to be left out of. */
export function callTelemetry(options: ClientTelemetryOptions, env: Env = {}): Interceptor {
  const { clock = Date, uuid = randomUUID } = env;
  const { telemetry, methods, target, logRequests = false } = options;
  if (options.redact !== undefined && !logRequests) {
    throw new TypeError("Cannot build telemetry: redact has no effect, logRequests must be true with it");
  }
  if (telemetry === undefined) return (call, nextCall) => nextCall(call) as InterceptingCall;
  const redact = new Set(options.redact);
  return (call: Options, nextCall) => {
    const { path } = call.method_definition;
    const method = methods(path);
    const startMs = clock.now();
    const deadline = Number(call.deadline ?? Infinity);
    const progress = { attempts: 0, active: 0, idleSince: undefined, delayMs: 0, peer: "", deadline };
    const span: CallSpan = { traceId: "", spanId: uuid().replaceAll("-", "").slice(16), sampled: true, ...progress };
    let parentSpanId: string | undefined;
    let requestId = "";
    let request: unknown;

    const finish = (result: StatusObject & { reason?: string; attempts?: readonly unknown[] }): void => {
      const endMs = clock.now();
      const code = status[result.code] ?? "UNKNOWN";
      const labels = { "grpc.method": method ? path.slice(1) : "other", "grpc.target": target };
      // Retry lists those that failed, also those that were refused before they came here.
      const listed = (result.attempts?.length ?? 0) + (result.code === status.OK ? 1 : 0);
      const attempts = Math.max(span.attempts, listed);
      telemetry.record("grpc.client.call.duration", (endMs - startMs) / 1_000, { ...labels, "grpc.status": code });
      const more = method?.hedge === true ? "hedges" : "retries";
      if (attempts > 1) telemetry.record(`grpc.client.call.${more}`, attempts - 1, labels);
      if (span.delayMs > 0) telemetry.record("grpc.client.call.retry_delay", span.delayMs / 1_000, labels);
      // Not "client": a backend looks for the server's span below that, and it is below the attempt's.
      const { traceId, spanId } = span;
      const ids = { kind: "internal", traceId, spanId, parentSpanId, startMs, endMs } as const;
      if (span.sampled) telemetry.span({ ...ids, ...described(path, method, target, code) });
      telemetry.log?.({
        side: "client",
        method: path.slice(1),
        trace_id: traceId,
        span_id: spanId,
        request_id: requestId,
        peer: span.peer,
        code,
        ...(result.reason !== undefined && { reason: result.reason }),
        ms: endMs - startMs,
        attempts,
        ...(span.deadline !== Infinity && { deadline_remaining: Math.round(span.deadline - endMs) }),
        ...(request !== undefined && { request }),
      });
    };

    return new InterceptingCall(nextCall({ ...call, [CALL_SPAN]: span } as Options), {
      start(metadata, listener, next) {
        const parent = parse(metadata);
        span.traceId = parent?.traceId ?? uuid().replaceAll("-", "");
        span.sampled = parent?.sampled ?? true;
        if (call[ROOT_SPAN] === true && parent !== undefined) span.spanId = parent.spanId;
        else parentSpanId = parent?.spanId;
        requestId = String(metadata.get("x-request-id")[0] ?? "");
        next(metadata, heardBy(listener, finish));
      },
      sendMessage(message, next) {
        if (logRequests) request ??= loggable(message, redact);
        next(message);
      },
    });
  };
}

/** One span, its traceparent on the wire, and the attempt's metrics. */
export function attemptTelemetry(options: ClientTelemetryOptions, env: Env = {}): Interceptor {
  const { clock = Date, uuid = randomUUID } = env;
  const { telemetry, methods, target } = options;
  if (telemetry === undefined) return (call, nextCall) => nextCall(call) as InterceptingCall;
  return (call: Options, nextCall) => {
    const { path } = call.method_definition;
    const method = methods(path);
    const of = call[CALL_SPAN];
    const labels = { "grpc.method": method ? path.slice(1) : "other", "grpc.target": target };
    const spanId = uuid().replaceAll("-", "").slice(16);
    const lower = nextCall(call);
    const sizes = { sent: 0, rcvd: 0, known: false };
    const measure = (way: "sent" | "rcvd", message: unknown): void => {
      if (!(message instanceof Uint8Array)) return;
      sizes.known = true;
      sizes[way] += message.length;
    };
    return new InterceptingCall(lower, {
      start(metadata, listener, next) {
        const startMs = clock.now();
        const parent = of ?? parse(metadata);
        const traceId = parent?.traceId ?? uuid().replaceAll("-", "");
        const sampled = parent?.sampled ?? true;
        const previous = of?.attempts ?? 0;
        if (of !== undefined) {
          of.delayMs += of.idleSince === undefined ? 0 : startMs - of.idleSince;
          of.idleSince = undefined;
          of.attempts += 1;
          of.active += 1;
          of.deadline = call[CALL_DEADLINE] ?? Number(call.deadline ?? Infinity);
        }
        telemetry.count("grpc.client.attempt.started", labels);
        // The next attempt starts with the same Metadata.
        const stamped = metadata.clone();
        stamped.set("traceparent", `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`);

        const finish = (result: StatusObject): void => {
          const endMs = clock.now();
          const code = status[result.code] ?? "UNKNOWN";
          const peer = lower.getPeer();
          if (of !== undefined) {
            of.peer = peer;
            of.active -= 1;
            if (of.active === 0) of.idleSince = endMs;
          }
          const withStatus = { ...labels, "grpc.status": code };
          telemetry.record("grpc.client.attempt.duration", (endMs - startMs) / 1_000, withStatus);
          for (const way of sizes.known ? (["sent", "rcvd"] as const) : []) {
            telemetry.record(`grpc.client.attempt.${way}_total_compressed_message_size`, sizes[way], withStatus);
          }
          if (!sampled) return;
          const ids = { kind: "client", traceId, spanId, parentSpanId: parent?.spanId, startMs, endMs } as const;
          const [, host = peer, port] = /^(.*):(\d+)$/.exec(peer) ?? [];
          const at = { "network.peer.address": host, ...(port && { "network.peer.port": Number(port) }) };
          const more = { ...at, "previous-rpc-attempts": previous };
          telemetry.span({ ...ids, ...described(path, method, target, code, more) });
        };
        const heard = heardBy(listener, finish, (message) => measure("rcvd", message));
        next(stamped, heard);
      },
      sendMessage(message, next) {
        measure("sent", message);
        next(message);
      },
    });
  };
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

/** What has been seen is reported before it is handed on: who waits for the status finds the record. */
function heardBy(
  listener: Listener,
  onStatus: (result: StatusObject) => void,
  onMessage?: (message: unknown) => void,
): Listener {
  return {
    onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
    onReceiveMessage: (message) => {
      onMessage?.(message);
      listener.onReceiveMessage(message);
    },
    onReceiveStatus: (result) => {
      try {
        onStatus(result);
      } finally {
        listener.onReceiveStatus(result);
      }
    },
  };
}

function parse(metadata: Metadata): { traceId: string; spanId: string; sampled: boolean } | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(String(metadata.get("traceparent")[0])) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** A span's name and rpc.method have few values, so a path that nobody knows is neither. */
function described(path: string, method: object | undefined, target: string, code: string, more: Attributes = {}) {
  const name = path.slice(1);
  const attributes = {
    "rpc.system.name": "grpc",
    "rpc.method": method ? name : "_OTHER",
    ...(!method && { "rpc.method_original": name }),
    "rpc.response.status_code": code,
    ...(code !== "OK" && { "error.type": code }),
    "server.address": target,
    ...more,
  };
  return { name: method ? name : "grpc", error: code !== "OK", attributes };
}
