// SPDX-License-Identifier: MIT
/**
 * Copy:    server/fault.ts
 * Place:   server, innermost: to all others its faults are the handler's.
 * Does:    makes calls late, fails them or leaves them without an answer, by method and share, to see what callers do.
 * Doesn't: do anything unless it was built with `allowed` and `enabled()` says so at the moment of the call.
 * With:    context.ts, status.ts
 * Source:  -
 */
import { ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { type Clock, rpcContext, systemClock, type Timer } from "../context.ts";
import { statusOf } from "../status.ts";

/** What happens to a call that a fault is drawn for. With `delayMs`, it happens after that. */
export interface Fault {
  /** Full paths (`/pkg.Service/Method`), or `/pkg.Service/` for all of a service. @default every method */
  methods?: readonly string[];
  /** Which part of those calls, 0 to 1. */
  share: number;
  /** How long the call waits before the handler has it. Unit: milliseconds. @default 0 */
  delayMs?: number;
  /** The handler does not run. "drop": no answer at all, until somebody's deadline; a code: that is the answer. */
  end?: "drop" | { code: status; text?: string };
}

export interface FaultOptions {
  /** Whether this process may have faults at all: false in production. */
  allowed: boolean;
  /** The switch while it runs, asked for each call. */
  enabled: () => boolean;
  /** The first one that names the method and is drawn takes the call. */
  faults: readonly Fault[];
}

export interface Env {
  clock?: Clock;
  random?: () => number;
}

/** Injects faults. */
export function fault(
  { allowed, enabled, faults }: FaultOptions,
  { clock = systemClock, random = Math.random }: Env = {},
): ServerInterceptor {
  for (const each of faults) check(each);
  // The same interface; grpc-js' type names the class.
  if (!allowed) return (_, call) => call as ServerInterceptingCall;
  return ({ path }, call) => {
    const drawn = enabled() ? draw(faults, path, random) : undefined;
    if (drawn === undefined) return call as ServerInterceptingCall;
    let timer: Timer | undefined;
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, nextMetadata) => {
            const { delayMs = 0, end } = drawn;
            const context = rpcContext.get();
            const act = (): void => {
              if (end === "drop") return;
              if (end === undefined) nextMetadata(metadata);
              else call.sendStatus(injected(end.code, end.text));
            };
            if (delayMs === 0) return act();
            timer = clock.setTimeout(() => {
              // An interceptor further out may have answered by now.
              if (context?.signal.aborted === true) return;
              if (context === undefined) act();
              else rpcContext.run(context, act);
            }, delayMs);
          },
          onCancel: () => timer?.cancel(),
        }),
    });
  };
}

/** The first fault that names the method and that chance gives the call to. */
export function draw(faults: readonly Fault[], path: string, random: () => number): Fault | undefined {
  return faults.find(({ methods, share }) => {
    const named = methods?.some((each) => (each.endsWith("/") ? path.startsWith(each) : path === each)) ?? true;
    return named && random() < share;
  });
}

function injected(code: status, text = "This failure was injected") {
  return statusOf(code, text, { reason: "FAULT_INJECTED" });
}

function check({ share, delayMs = 0, end, methods }: Fault): void {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`Cannot build fault: share must be 0 to 1, is ${share}`);
  if (!(delayMs >= 0 && delayMs < Infinity)) {
    throw new RangeError(`Cannot build fault: delayMs must be 0 or more, and finite, is ${delayMs}`);
  }
  if (typeof end === "object" && (status[end.code] === undefined || end.code === status.OK)) {
    throw new RangeError(`Cannot build fault: end.code must be 1 to 16, is ${end.code}`);
  }
  if (end === undefined && delayMs === 0) throw new TypeError("Cannot build fault: it must have a delayMs or an end");
  const wrong = methods?.find((each) => !/^\/[\w.]+\/\w*$/.test(each));
  if (wrong !== undefined) {
    throw new RangeError(`Cannot build fault: methods must be /pkg.Service/Method or /pkg.Service/, is ${wrong}`);
  }
}
