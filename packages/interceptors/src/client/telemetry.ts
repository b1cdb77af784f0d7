// SPDX-License-Identifier: MIT
/**
 * Copy:    client/telemetry.ts
 * Place:   client, twice: callTelemetry just inside context, outside all else; attemptTelemetry innermost.
 * Does:    one span, one duration and one log record per call; one span, its traceparent and A66's metrics per attempt.
 *          Everything goes to a Telemetry port of plain data, behind which any library fits.
 * Doesn't: see grpc-js' transparent retries; know message sizes natively, where messages are objects until below it:
 *          through a channel wrapper they are bytes. Decide what is sampled: it follows traceparent.
 * With:    telemetry-core.ts
 * Source:  OpenTelemetry semantic conventions for gRPC (release candidate) for spans; gRFC A66 and A96 for metrics.
 */
import { InterceptingCall, status } from "@grpc/grpc-js";
import type { Interceptor, InterceptorOptions, Metadata, NextCall, StatusObject } from "@grpc/grpc-js";
import {
  type CallRecord,
  describeSpan,
  LabelCache,
  loggable,
  parseTraceparent,
  randomHex,
  type Telemetry,
} from "../telemetry-core.ts";

export { type CallRecord, loggable, type SpanRecord, type Telemetry } from "../telemetry-core.ts";

type LowerCall = ReturnType<NextCall>;
type Listener = NonNullable<Parameters<LowerCall["start"]>[1]>;

export interface ClientTelemetryOptions {
  /** Undefined: nothing is recorded, and no layer is put around the call. */
  telemetry?: Telemetry | undefined;
  /** What the contract says of a method. Others are counted together, as "other": a path may be anything. */
  methods: (path: string) => { hedge?: boolean | undefined; redact?: readonly string[] | undefined } | undefined;
  /** What the channel was made for. */
  target: string;
  /** Whether log records hold the request. @default false */
  logRequests?: boolean;
  /** Names of fields, at any depth, whose values are never logged; beside those of `methods`. @default none */
  redact?: readonly string[];
}

interface Env {
  clock?: { now(): number } | undefined;
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
type Options = InterceptorOptions & { [CALL_SPAN]?: CallSpan; [ROOT_SPAN]?: boolean; [CALL_DEADLINE]?: number };

/** One span, one log record and the call's metrics. @throws {TypeError} If `redact` has nothing to be left out of. */
export function callTelemetry(options: ClientTelemetryOptions, env: Env = {}): Interceptor {
  const { clock = Date } = env;
  const { telemetry, methods, target, logRequests = false } = options;
  const labelled = new LabelCache(target);
  if (options.redact !== undefined && !logRequests) {
    throw new TypeError("Cannot build telemetry: redact has no effect, logRequests must be true with it");
  }
  if (telemetry === undefined) return (call, nextCall) => nextCall(call) as InterceptingCall;
  const shown = (message: unknown, marked: readonly string[] = []): unknown =>
    loggable(message, new Set([...(options.redact ?? []), ...marked]));
  return (call: Options, nextCall) => {
    const { path } = call.method_definition;
    const method = methods(path);
    const startMs = clock.now();
    const deadline = Number(call.deadline ?? Infinity);
    const progress = { attempts: 0, active: 0, idleSince: undefined, delayMs: 0, peer: "", deadline };
    const span: CallSpan = { traceId: "", spanId: "", sampled: true, ...progress };
    let parentSpanId: string | undefined;
    let requestId = "";
    let request: unknown;

    const finish = (result: StatusObject & { reason?: string; attempts?: readonly unknown[] }): void => {
      const endMs = clock.now();
      const code = status[result.code] ?? "UNKNOWN";
      const labels = labelled.of(method && path);
      // Retry lists those that failed, also those that were refused before they came here.
      const listed = (result.attempts?.length ?? 0) + (result.code === status.OK ? 1 : 0);
      const attempts = Math.max(span.attempts, listed);
      telemetry.record("grpc.client.call.duration", (endMs - startMs) / 1_000, labelled.of(method && path, code));
      const more = method?.hedge === true ? "hedges" : "retries";
      if (attempts > 1) telemetry.record(`grpc.client.call.${more}`, attempts - 1, labels);
      if (span.delayMs > 0) telemetry.record("grpc.client.call.retry_delay", span.delayMs / 1_000, labels);
      // Not "client": a backend looks for the server's span below that, and it is below the attempt's.
      const { traceId, spanId } = span;
      const ids = { kind: "internal", traceId, spanId, parentSpanId, startMs, endMs } as const;
      if (span.sampled) telemetry.span({ ...ids, ...describeSpan(path, method, target, code) });
      if (telemetry.log === undefined) return;
      const record: CallRecord = {
        side: "client",
        method: path.slice(1),
        trace_id: traceId,
        span_id: spanId,
        request_id: requestId,
        peer: span.peer,
        code,
        ms: endMs - startMs,
        attempts,
      };
      if (result.reason !== undefined) record.reason = result.reason;
      if (span.deadline !== Infinity) record.deadline_remaining = Math.round(span.deadline - endMs);
      if (request !== undefined) record.request = request;
      telemetry.log(record);
    };

    return new WatchedCall(nextCall({ ...call, [CALL_SPAN]: span } as Options), {
      start(metadata) {
        const parent = parseTraceparent(metadata);
        const root = call[ROOT_SPAN] === true && parent !== undefined;
        if (!root) parentSpanId = parent?.spanId;
        span.traceId = parent?.traceId ?? randomHex(16);
        span.spanId = root ? parent.spanId : randomHex(8);
        span.sampled = parent?.sampled ?? true;
        requestId = String(metadata.get("x-request-id")[0] ?? "");
        return metadata;
      },
      sent: logRequests ? (message) => (request ??= shown(message, method?.redact)) : undefined,
      end: finish,
    });
  };
}

/** One span, its traceparent on the wire, and the attempt's metrics. */
export function attemptTelemetry(options: ClientTelemetryOptions, env: Env = {}): Interceptor {
  const { clock = Date } = env;
  const { telemetry, methods, target } = options;
  if (telemetry === undefined) return (call, nextCall) => nextCall(call) as InterceptingCall;
  const labelled = new LabelCache(target);
  return (call: Options, nextCall) => {
    const { path } = call.method_definition;
    const method = methods(path);
    const of = call[CALL_SPAN];
    const spanId = randomHex(8);
    const lower = nextCall(call);
    let parent: Pick<CallSpan, "traceId" | "spanId" | "sampled"> | undefined;
    let traceId = "";
    let [startMs, previous] = [0, 0];
    const sizes = { sent: 0, rcvd: 0, known: false };
    const measure = (way: "sent" | "rcvd", message: unknown): void => {
      if (!(message instanceof Uint8Array)) return;
      sizes.known = true;
      sizes[way] += message.length;
    };
    return new WatchedCall(lower, {
      start(metadata) {
        startMs = clock.now();
        parent = of ?? parseTraceparent(metadata);
        traceId = parent?.traceId ?? randomHex(16);
        if (of !== undefined) {
          previous = of.attempts;
          of.delayMs += of.idleSince === undefined ? 0 : startMs - of.idleSince;
          of.idleSince = undefined;
          of.attempts += 1;
          of.active += 1;
          of.deadline = call[CALL_DEADLINE] ?? Number(call.deadline ?? Infinity);
        }
        telemetry.count("grpc.client.attempt.started", labelled.of(method && path));
        // The next attempt starts with the same Metadata.
        const stamped = metadata.clone();
        stamped.set("traceparent", `00-${traceId}-${spanId}-${parent?.sampled === false ? "00" : "01"}`);
        return stamped;
      },
      sent: (message) => measure("sent", message),
      received: (message) => measure("rcvd", message),
      end(result) {
        const endMs = clock.now();
        const code = status[result.code] ?? "UNKNOWN";
        const peer = lower.getPeer();
        if (of !== undefined) {
          of.peer = peer;
          of.active -= 1;
          if (of.active === 0) of.idleSince = endMs;
        }
        const withStatus = labelled.of(method && path, code);
        telemetry.record("grpc.client.attempt.duration", (endMs - startMs) / 1_000, withStatus);
        for (const way of sizes.known ? (["sent", "rcvd"] as const) : []) {
          telemetry.record(`grpc.client.attempt.${way}_total_compressed_message_size`, sizes[way], withStatus);
        }
        if (parent?.sampled === false) return;
        const ids = { kind: "client", traceId, spanId, parentSpanId: parent?.spanId, startMs, endMs } as const;
        const [, host = peer, port] = /^(.*):(\d+)$/.exec(peer) ?? [];
        const more = { "network.peer.address": host, "previous-rpc-attempts": previous };
        const described = describeSpan(path, method, target, code, more);
        if (port !== undefined) described.attributes["network.peer.port"] = Number(port);
        telemetry.span({ ...ids, ...described });
      },
    });
  };
}

/** What goes on in a call. */
interface Watcher {
  /** Returns what the call is started with. */
  start(metadata: Metadata): Metadata;
  sent?: ((message: unknown) => void) | undefined;
  received?: ((message: unknown) => void) | undefined;
  end(result: StatusObject): void;
}

/** What has been seen is reported before it is handed on: who waits for the status finds the record. */
class WatchedCall extends InterceptingCall {
  readonly #lower: LowerCall;
  readonly #watcher: Watcher;
  #listener: Listener = {};

  constructor(lower: LowerCall, watcher: Watcher) {
    super(lower);
    this.#lower = lower;
    this.#watcher = watcher;
  }

  override start(metadata: Metadata, listener: Listener = {}): void {
    this.#listener = listener;
    this.#lower.start(this.#watcher.start(metadata), this);
  }
  override sendMessageWithContext(...[context, message]: Parameters<LowerCall["sendMessageWithContext"]>): void {
    this.#watcher.sent?.(message);
    this.#lower.sendMessageWithContext(context, message);
  }
  onReceiveMetadata(metadata: Metadata): void {
    this.#listener.onReceiveMetadata?.(metadata);
  }
  onReceiveMessage(message: unknown): void {
    this.#watcher.received?.(message);
    this.#listener.onReceiveMessage?.(message);
  }
  onReceiveStatus(result: StatusObject): void {
    try {
      this.#watcher.end(result);
    } finally {
      this.#listener.onReceiveStatus?.(result);
    }
  }
}
