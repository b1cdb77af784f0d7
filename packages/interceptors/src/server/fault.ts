// SPDX-License-Identifier: MIT
/**
 * Copy:    server/fault.ts
 * Place:   server, innermost: to all others its faults are the handler's; or right inside of load shedding, as in packages/rpc:
 *          no injected failure is stored under an idempotency key there.
 * Does:    makes calls late, fails them or leaves them without an answer, by method and share, to see what callers do.
 * Doesn't: do anything unless it was built with `allowed` and `enabled()` says so at the moment of the call.
 * With:    context.ts, status.ts
 * Source:  -
 */
import { inspect } from "node:util";
import { ServerInterceptingCall, type ServerInterceptor, type status } from "@grpc/grpc-js";
import { type Clock, rpcContext, systemClock, type Timer } from "../context.ts";
import { statusOf } from "../status.ts";

/** What happens to a call that a fault is drawn for. With `delayMs`, it happens after that. */
export interface Fault {
  /** Full paths (`/pkg.Service/Method`), or `/pkg.Service/` for all of a service. @default every method */
  methods?: readonly string[];
  /** Which part of those calls: above 0, at most 1. */
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

/** Injects faults. @throws {RangeError | TypeError} If a fault says what cannot be, `allowed` or not. */
export function fault(
  options: FaultOptions,
  { clock = systemClock, random = Math.random }: Env = {},
): ServerInterceptor {
  only("fault", options, ["allowed", "enabled", "faults"]);
  const { allowed, enabled, faults } = options;
  if (!Array.isArray(faults)) throw wrong("faults", "a list", faults);
  for (const each of faults) check(each);
  const last = faults.findIndex(({ methods, share }) => methods === undefined && share === 1);
  if (last !== -1 && last < faults.length - 1) {
    throw wrong("faults", `over with number ${last + 1}, which takes every call`, faults);
  }
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

/** A fault is mostly JSON that somebody typed: it is checked as if it had no type. */
function check(fault: unknown): void {
  const { methods, share, delayMs = 0, end } = only("a fault", fault, ["methods", "share", "delayMs", "end"]);
  if (!isNumber(share) || share <= 0 || share > 1) throw wrong("share", "above 0 and at most 1", share);
  if (!isNumber(delayMs) || delayMs < 0) throw wrong("delayMs", "a number, 0 or more", delayMs);
  if (end === undefined && delayMs === 0) throw new TypeError("Cannot build fault: it must have a delayMs or an end");
  if (end !== undefined && end !== "drop") {
    const { code, text = "" } = only("end", end, ["code", "text"], '"drop" or an object');
    if (!isNumber(code) || !Number.isInteger(code) || code < 1 || code > 16) throw wrong("end.code", "1 to 16", code);
    if (typeof text !== "string") throw wrong("end.text", "a text", text);
  }
  if (methods === undefined) return;
  const must = "a list of /pkg.Service/Method or /pkg.Service/";
  if (!Array.isArray(methods) || methods.length === 0) throw wrong("methods", must, methods);
  for (const each of methods) if (!/^\/[\w.]+\/\w*$/.test(String(each))) throw wrong("methods", must, each);
}

/** The value's fields, once it is known that it has no others. */
function only(name: string, value: unknown, keys: readonly string[], must = "an object"): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(name, must, value);
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new TypeError(`Cannot build fault: there is no option "${unknown}" of ${name}`);
  return { ...value };
}

const isNumber = (value: unknown): value is number => Number.isFinite(value);

function wrong(name: string, must: string, value: unknown): RangeError {
  return new RangeError(`Cannot build fault: ${name} must be ${must}, is ${inspect(value, { breakLength: Infinity })}`);
}
