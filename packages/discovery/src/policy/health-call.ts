// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/health-call.ts
 * Place:   beside policy/endpoint.ts and policy/health-watch.ts.
 * Does:    asks grpc.health.v1.Health over one given connection; messages, of two fields in all, are coded by hand.
 * Doesn't: set a deadline, retry, or send the channel's call credentials: health answers to anybody. Nor keep the process
 *          alive while nothing but this call is open, as a call does with grpc-js.
 * With:    -
 * Source:  grpc/health/v1/health.proto; the five-byte prefix of "gRPC over HTTP2".
 */
import { constants } from "node:http2";
import { type experimental, Metadata, type status } from "@grpc/grpc-js";

export const SERVING = 1;

export interface HealthQuestion {
  /** Watch goes on answering. */
  method: "Check" | "Watch";
  /** Empty means the whole server. */
  service: string;
  /** `:authority` of the call. */
  authority: string;
}

export interface HealthListener {
  /** The number of a ServingStatus: {@link SERVING} or something else. */
  onStatus?: (serving: number) => void;
  /** Not told after `cancel`. */
  onEnd: (code: status) => void;
}

export interface HealthCall {
  /** The peer permits no more streams on this connection: nothing has been sent, and nobody can answer. */
  readonly waits: boolean;
  cancel(): void;
}

/**
 * Undefined when the connection is not up. grpc-js' `getChannel()` of a subchannel would do too, but its calls end the process
 * when the connection goes away while they start (the rejection of an async `start` that nobody waits for).
 */
export function askHealth(
  connection: experimental.SubchannelInterface,
  { method, service, authority }: HealthQuestion,
  { onStatus, onEnd }: HealthListener,
): HealthCall | undefined {
  let over = false;
  try {
    const call = connection
      .getRealSubchannel()
      .createCall(new Metadata(), authority, `/grpc.health.v1.Health/${method}`, {
        onReceiveMetadata: () => undefined,
        onReceiveMessage: (message: Buffer) => {
          if (over) return;
          onStatus?.(servingStatus(message));
          call.startRead();
        },
        onReceiveStatus: ({ code }) => {
          if (!over) onEnd(code);
          over = true;
        },
      });
    call.startRead();
    call.sendMessageWithContext({}, request(service));
    call.halfClose();
    detach(call);
    return {
      get waits() {
        return !over && isUnsent(call);
      },
      cancel: () => {
        if (over) return;
        over = true;
        call.cancelWithStatus(CANCELLED, "No longer of interest");
      },
    };
  } catch {
    // It has just gone: its owner hears of that as a change of state.
    return undefined;
  }
}

const CANCELLED = 1;

/**
 * A connection keeps the process alive while it counts a call. grpc-js has no way to leave one out: without it, or should its
 * fields be called something else one day, a process ends only once its channels are closed.
 */
function detach(call: object): void {
  const transport: unknown = Reflect.get(call, "transport");
  const remove: unknown = transport instanceof Object ? Reflect.get(transport, "removeActiveCall") : undefined;
  if (typeof remove === "function") Reflect.apply(remove, transport, [call]);
}

/** Node knows, but nothing of grpc-js tells: should a field be called something else one day, no call is taken for unsent. */
function isUnsent(call: object): boolean {
  const stream: unknown = Reflect.get(call, "http2Stream");
  const state: unknown = stream instanceof Object ? Reflect.get(stream, "state") : undefined;
  return state instanceof Object && Reflect.get(state, "state") === constants.NGHTTP2_STREAM_STATE_IDLE;
}

/** HealthCheckRequest { string service = 1; }, uncompressed. */
function request(service: string): Buffer {
  const name = Buffer.from(service);
  const length: number[] = [];
  for (let rest = name.length; rest > 0; rest = Math.floor(rest / 128)) {
    length.push((rest % 128) + (rest > 127 ? 128 : 0));
  }
  const body = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...length]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

/** HealthCheckResponse { ServingStatus status = 1; } */
function servingStatus(message: Buffer): number {
  const [tag, value = 0] = message.subarray(5);
  return tag === 0x08 ? value : 0;
}
