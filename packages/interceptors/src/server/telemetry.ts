// SPDX-License-Identifier: MIT
/**
 * Copy:    server/telemetry.ts
 * Place:   server, just inside of context and outside of all that may refuse a call.
 * Does:    one span (child of the client's attempt), A66's metrics and one log record per call, however it ends: refused,
 *          cancelled, or with a status of grpc-js' own, of which server/status-guard.ts tells.
 * Doesn't: see calls of methods that nobody serves: for those grpc-js runs no interceptors. Know message sizes natively,
 *          where messages are objects until below it: where the handler deals in bytes, it measures those.
 * With:    context.ts, passing-call.ts, status.ts
 * Source:  OpenTelemetry semantic conventions for gRPC (release candidate) for spans; gRFC A66 for metrics.
 */
import { randomUUID } from "node:crypto";
import { type Metadata, type ServerInterceptingCallInterface, type ServerInterceptor, status } from "@grpc/grpc-js";
import { type Clock, type RpcContext, rpcContext, systemClock, unseenStatus } from "../context.ts";
import { asCall, PassingCall, type PartialStatus } from "../passing-call.ts";
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
  methods: (path: string) => { readonly redact?: readonly string[] | undefined } | undefined;
  /** Whether log records hold the request. @default false */
  logRequests?: boolean;
  /** Names of fields, at any depth, whose values are never logged; beside those of `methods`. @default none */
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
  if (port === undefined) return (_, call) => asCall(call);
  const recorder = { port, clock, uuid, logRequests };
  const labels = new Map<string, Labels>();
  return ({ path }, call) => {
    let known = labels.get(path);
    if (known === undefined) labels.set(path, (known = new Labels(path, methods(path), redact)));
    return asCall(new RecordedCall(call, path.slice(1), known, recorder));
  };
}

/** Of one method, made once; also what of its requests is not logged. */
class Labels {
  readonly redacted: ReadonlySet<string>;
  readonly started: Readonly<Record<string, string>>;
  readonly #ended = new Map<string, Readonly<Record<string, string>>>();

  constructor(path: string, method: ReturnType<ServerTelemetryOptions["methods"]>, redact: readonly string[] = []) {
    this.started = { "grpc.method": method ? path.slice(1) : "other" };
    this.redacted = new Set([...redact, ...(method?.redact ?? [])]);
  }

  ended(code: string): Readonly<Record<string, string>> {
    let labels = this.#ended.get(code);
    if (labels === undefined) this.#ended.set(code, (labels = { ...this.started, "grpc.status": code }));
    return labels;
  }
}

interface Recorder extends Required<Env> {
  port: Telemetry;
  logRequests: boolean;
}

class RecordedCall extends PassingCall {
  readonly #method: string;
  readonly #labels: Labels;
  readonly #recorder: Recorder;
  #record: Recording | undefined;
  #finished = false;
  #request: unknown;
  /** Of messages that are bytes. */
  #measured = false;
  #sentBytes = 0;
  #receivedBytes = 0;

  constructor(call: ServerInterceptingCallInterface, method: string, labels: Labels, recorder: Recorder) {
    super(call);
    this.#method = method;
    this.#labels = labels;
    this.#recorder = recorder;
  }

  override onReceiveMetadata(metadata: Metadata): void {
    const { port, clock, uuid } = this.#recorder;
    port.count("grpc.server.call.started", this.#labels.started);
    const context = rpcContext.get();
    const [parent] = metadata.get("traceparent");
    const id = uuid();
    const spanId = id.slice(24) + id.slice(0, 4);
    this.#record = begin(context, String(parent), { startMs: clock.now(), peer: this.getPeer(), spanId });
    // Calls made on behalf of this one are children of its span.
    if (context) rpcContext.amend(context, { trace: { ...context.trace, spanId } });
    super.onReceiveMetadata(metadata);
  }

  override onReceiveMessage(message: unknown): void {
    if (message instanceof Uint8Array) {
      this.#measured = true;
      this.#receivedBytes += message.length;
    }
    if (this.#recorder.logRequests) this.#request ??= loggable(message, this.#labels.redacted);
    super.onReceiveMessage(message);
  }

  override onCancel(): void {
    // Comes after a normal end too: that has been recorded by then.
    const late = this.#recorder.clock.now() >= (this.#record?.deadline ?? Infinity);
    try {
      this.#finish(unseenStatus.get() ?? { code: late ? status.DEADLINE_EXCEEDED : status.CANCELLED });
    } finally {
      super.onCancel();
    }
  }

  override sendMessage(message: unknown, sent: () => void): void {
    if (message instanceof Uint8Array) {
      this.#measured = true;
      this.#sentBytes += message.length;
    }
    super.sendMessage(message, sent);
  }

  override sendStatus(result: PartialStatus): void {
    // Before it is handed on: who waits for the status finds the record.
    try {
      this.#finish({ code: result.code ?? status.UNKNOWN, metadata: result.metadata });
    } finally {
      super.sendStatus(result);
    }
  }

  #finish(result: { code: status; metadata?: Metadata | null | undefined }): void {
    const record = this.#record;
    if (record === undefined || this.#finished) return;
    this.#finished = true;
    const { port, clock } = this.#recorder;
    const endMs = clock.now();
    const code = status[result.code] ?? "UNKNOWN";
    const labels = this.#labels.ended(code);
    port.record("grpc.server.call.duration", (endMs - record.startMs) / 1_000, labels);
    if (this.#measured) {
      port.record("grpc.server.call.sent_total_compressed_message_size", this.#sentBytes, labels);
      port.record("grpc.server.call.rcvd_total_compressed_message_size", this.#receivedBytes, labels);
    }
    if (record.sampled) port.span(spanOf(record, endMs, this.#method, result.code));
    const reason = result.code === status.OK ? undefined : detailsOf(result.metadata ?? undefined)?.reason;
    port.log?.(callRecordOf(record, endMs, { method: this.#method, code, reason, request: this.#request }));
  }
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
}

function begin(
  outer: RpcContext | undefined,
  traceparent: string,
  here: Pick<Recording, "startMs" | "peer" | "spanId">,
): Recording {
  const { traceId, spanId: outerSpan, sampled } = outer?.trace ?? { traceId: "", spanId: "", sampled: false };
  return {
    ...here,
    traceId,
    // Of a trace that begins here the context has a span that nobody records.
    parentSpanId: outer !== undefined && traceparent.split("-")[2] === outerSpan ? outerSpan : undefined,
    sampled,
    requestId: outer?.requestId ?? "",
    attempts: (outer?.previousAttempts ?? 0) + 1,
    deadline: outer?.deadline ?? Infinity,
  };
}

function spanOf(record: Recording, endMs: number, method: string, result: status): SpanRecord {
  const { traceId, spanId, parentSpanId, startMs, peer } = record;
  const code = status[result] ?? "UNKNOWN";
  const error = FAULTS.has(result);
  const [, address = peer, port] = /^(.*):(\d+)$/.exec(peer) ?? [];
  const attributes = {
    "rpc.system.name": "grpc",
    "rpc.method": method,
    "rpc.response.status_code": code,
    ...(error && { "error.type": code }),
    "client.address": address,
    ...(port !== undefined && { "client.port": Number(port) }),
    "previous-rpc-attempts": record.attempts - 1,
  };
  return { name: method, kind: "server", traceId, spanId, parentSpanId, startMs, endMs, error, attributes };
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
