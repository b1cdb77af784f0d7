// SPDX-License-Identifier: MIT
import { type InterceptingCall, type Interceptor, status } from "@grpc/grpc-js";
import {
  attemptTelemetry,
  type CallRecord,
  type ClientTelemetryOptions,
  callTelemetry,
  type SpanRecord,
  type Telemetry,
} from "../client/telemetry.ts";
import { type CallShape, FakeCall } from "./client-call.ts";
import { ManualClock } from "./manual-clock.ts";

const PATH = "/test.v1.Test/Get";
/** What every call's traceparent says, unless the test says otherwise. */
export const TRACE = "1".repeat(32);
export const PARENT = "2".repeat(16);
export const traceparent = `00-${TRACE}-${PARENT}-01`;
/** What the contract says: it has one method. */
export const known = (path: string) => (path === PATH ? {} : undefined);

/** A port that keeps what it is told. */
export class Recorder implements Telemetry {
  readonly spans: SpanRecord[] = [];
  readonly counts: [string, object][] = [];
  readonly values: [string, number, object][] = [];
  readonly logs: CallRecord[] = [];
  span = (span: SpanRecord): void => void this.spans.push(span);
  count = (name: string, labels: object): void => void this.counts.push([name, labels]);
  record = (name: string, value: number, labels: object): void => void this.values.push([name, value, labels]);
  log = (record: CallRecord): void => void this.logs.push(record);
  value = (name: string) => this.values.filter(([each]) => each === name).map(([, value]) => value);
}

/** Tries again after 40 ms, up to `attempts` times, as far as telemetry can tell. */
export function retryLike(clock: ManualClock, attempts: number): Interceptor {
  return (options, next) => {
    let count = 0;
    let call = next(options);
    const start: InterceptingCall["start"] = (metadata, listener) => {
      count += 1;
      call.start(metadata, {
        ...listener,
        onReceiveMessage: (message: unknown) => message !== null && listener?.onReceiveMessage?.(message),
        onReceiveStatus: (result) => {
          if (result.code === status.OK || count === attempts) return listener?.onReceiveStatus?.(result);
          clock.advance(40);
          call = next(options);
          start(metadata, listener);
        },
      });
    };
    const nothing = (): void => undefined;
    return { start, sendMessageWithContext: nothing, halfClose: nothing } as unknown as InterceptingCall;
  };
}

/** Calls through both parts, with other interceptors between them, and what is recorded of them. */
export function setup(
  options: Partial<ClientTelemetryOptions> = {},
  between: (clock: ManualClock) => Interceptor[] = () => [],
) {
  const clock = new ManualClock();
  const telemetry = new Recorder();
  const all = { telemetry, methods: known, target: "dns:///product.:50052", ...options };
  const env = { clock };
  const chain = [callTelemetry(all, env), ...between(clock), attemptTelemetry(all, env)];
  const call = (shape: CallShape = {}): FakeCall =>
    new FakeCall(chain, { ...shape, metadata: { traceparent, "x-request-id": "request-1", ...shape.metadata } });
  return { clock, telemetry, call };
}
