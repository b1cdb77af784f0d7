// SPDX-License-Identifier: MIT
/**
 * Copy:    server/drain.ts
 * Place:   server, after telemetry and before deadline: outside of all that would admit a call.
 * Does:    takes no new calls once the server drains, and says so in a way that makes clients go elsewhere at once; ends open
 *          streams then, unary calls when their grace is over, handlers that ignore their signal included.
 * Doesn't: close listeners and connections, nor tell the health service: the owner of the server does.
 * With:    context.ts, status.ts
 * Source:  gRFC A6 for the pushback; AIP-193.
 */
import { ServerInterceptingCall, type ServerInterceptor, type StatusObject, status } from "@grpc/grpc-js";
import { rpcContext } from "../context.ts";
import { statusOf } from "../status.ts";

export interface DrainOptions {
  /** Calls that are answered while the server drains. @default those of grpc.health.v1.Health */
  exempt?: (path: string) => boolean;
}

/** The interceptor and the switch that belongs to it. */
export interface DrainGate {
  readonly interceptor: ServerInterceptor;
  readonly draining: boolean;
  /** Calls under way, without the exempt ones. */
  readonly inFlight: number;
  /** Refuses new calls and ends streams. Resolves when no call is under way; once more is without effect. */
  drain(): Promise<void>;
  /** Ends what is still under way, exempt or not, and refuses all that comes. */
  cut(): void;
}

interface OpenCall {
  exempt: boolean;
  streams: boolean;
  end(): void;
}

const isHealth = (path: string): boolean => path.startsWith("/grpc.health.v1.Health/");

export function drainGate({ exempt = isHealth }: DrainOptions = {}): DrainGate {
  const open = new Set<OpenCall>();
  let inFlight = 0;
  let draining = false;
  let cut = false;
  const { promise: idle, resolve: becomeIdle } = Promise.withResolvers<void>();

  const add = (call: OpenCall): void => {
    open.add(call);
    if (!call.exempt) inFlight += 1;
  };
  const remove = (call: OpenCall): void => {
    if (!open.delete(call) || call.exempt) return;
    inFlight -= 1;
    if (draining && inFlight === 0) becomeIdle();
  };

  const interceptor: ServerInterceptor = ({ path, requestStream, responseStream }, call) => {
    let ended = false;
    const own: OpenCall = { exempt: exempt(path), streams: requestStream || responseStream, end: () => undefined };
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, nextMetadata) => {
            if (cut || (draining && !own.exempt)) {
              ended = true;
              call.sendStatus(drainingStatus());
              return;
            }
            const context = rpcContext.get();
            own.end = () => {
              // The status first: what the handler does about its signal comes too late to be a second one.
              ended = true;
              remove(own);
              call.sendStatus(drainingStatus());
              context?.cancel(new DOMException("The server is draining", "AbortError"));
            };
            add(own);
            nextMetadata(metadata);
          },
          onCancel: () => remove(own),
        }),
      sendMessage: (message, next) => {
        if (!ended) next(message);
      },
      sendStatus: (result, next) => {
        if (ended) return;
        ended = true;
        remove(own);
        next(result);
      },
    });
  };

  return {
    interceptor,
    get draining() {
      return draining;
    },
    get inFlight() {
      return inFlight;
    },
    drain() {
      if (draining) return idle;
      draining = true;
      for (const call of open) if (call.streams && !call.exempt) call.end();
      if (inFlight === 0) becomeIdle();
      return idle;
    },
    cut() {
      draining = true;
      cut = true;
      for (const call of open) call.end();
      if (inFlight === 0) becomeIdle();
    },
  };
}

/** Another instance may serve the call, and at once: that is what a pushback of 0 says. */
function drainingStatus(): StatusObject {
  const result = statusOf(status.UNAVAILABLE, "This instance is shutting down", {
    reason: "DRAINING",
    retryAfterMs: 0,
  });
  result.metadata.set("grpc-retry-pushback-ms", "0");
  return result;
}
