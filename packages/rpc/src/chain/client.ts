/** The parts of a client's chain: {@link CLIENT_ORDER} says where each one stands, client-options.ts what it can be told. */
import type { Interceptor } from "@grpc/grpc-js";
import * as kitTimeout from "@holdfast/interceptors/client/attempt-timeout";
import * as kitAuth from "@holdfast/interceptors/client/auth";
import * as kitBreaker from "@holdfast/interceptors/client/breaker";
import * as kitLimit from "@holdfast/interceptors/client/concurrency-limit";
import * as kitContext from "@holdfast/interceptors/client/context";
import * as kitDeadline from "@holdfast/interceptors/client/deadline";
import * as kitErrors from "@holdfast/interceptors/client/errors";
import { hedging as kitHedging } from "@holdfast/interceptors/client/hedging";
import { idempotencyKey as kitIdempotencyKey } from "@holdfast/interceptors/client/idempotency-key";
import { retry as kitRetry } from "@holdfast/interceptors/client/retry";
import * as kitTelemetry from "@holdfast/interceptors/client/telemetry";
import { mayCarryKey } from "@holdfast/interceptors/idempotency-answers";
import { ChainError } from "./chain-error.ts";
import { checkOptions, type NoOptions } from "./check-options.ts";
import * as own from "./client-options.ts";
import type { ClientDeps, ClientPart } from "./client-part.ts";
import { isUnary, longestDeadline, repeatedMethods } from "./repeated-methods.ts";

/** Request id, trace and priority of the call that is being handled go on. */
export function context(options: own.ContextOptions = {}): ClientPart {
  return {
    name: "context",
    build: ({ methods, clock, random }) => {
      checkOptions("context", options, own.CONTEXT);
      return kitContext.context({ methods, trusted: true, ...options }, { clock, random });
    },
  };
}

/** Reason, violations and the like become fields of the error. */
export function errors(options: NoOptions = {}): ClientPart {
  return {
    name: "errors",
    build: () => {
      checkOptions("errors", options, {});
      return kitErrors.errors();
    },
  };
}

/** Every call has a deadline, and ends with the call on whose behalf it is made. */
export function deadline(options: own.DeadlineOptions = {}): ClientPart {
  return {
    name: "deadline",
    build: ({ methods, paths, clock }) => {
      checkOptions("deadline", options, own.DEADLINE);
      const longest = Math.max(...[...paths.values()].map((path) => methods(path)?.deadlineMs ?? 0));
      if (options.hardMaxMs !== undefined && !(options.hardMaxMs < longest)) {
        throw new ChainError(
          `hardMaxMs of "deadline" must be below ${longest}, the longest call's, is ${options.hardMaxMs}`,
        );
      }
      // The default is for methods without a deadline in the contract, and there are none.
      return kitDeadline.deadline({ ...options, methods, defaultMs: 5_000 }, { clock });
    },
  };
}

/** One span, one log record and the metrics of each call as its caller sees it. */
export function callTelemetry(options: own.TelemetryOptions): ClientPart {
  return {
    name: "callTelemetry",
    build: (deps) => {
      checkTelemetry("callTelemetry", options);
      // What the contract lets be hedged is sent again by "retry" in a chain without "hedging".
      const { facts } = repeatedMethods(deps);
      return kitTelemetry.callTelemetry({ ...options, methods: facts, target: deps.target }, { clock: deps.clock });
    },
  };
}

/** The same of each attempt. */
export function attemptTelemetry(options: own.TelemetryOptions): ClientPart {
  return {
    name: "attemptTelemetry",
    build: ({ methods, target, clock }) => {
      checkTelemetry("attemptTelemetry", options);
      return kitTelemetry.attemptTelemetry({ ...options, methods, target }, { clock });
    },
  };
}

/** Stamps a key on calls of methods that want one in the metadata, and on those that `also` names. */
export function idempotencyKey(options: own.IdempotencyKeyOptions = {}): ClientPart {
  return {
    name: "idempotencyKey",
    build: (deps) => {
      checkOptions("idempotencyKey", options, own.IDEMPOTENCY_KEY);
      const { methods, paths } = deps;
      const named = new Set(options.also?.map((name) => pathForKey(deps, name)));
      if (named.size === 0 && ![...paths.values()].some((path) => methods(path)?.key === "metadata")) {
        throw new ChainError('"idempotencyKey" has no effect: no method of the service takes a key in the metadata');
      }
      return kitIdempotencyKey({ methods, also: (path) => named.has(path) });
    },
  };
}

/** Calls that failed are sent again where that is safe, within the budget of the target. */
export function retry(options: own.RetryOptions = {}): ClientPart {
  return {
    name: "retry",
    build: (deps) => {
      checkOptions("retry", options, own.RETRY);
      const { maxAttempts, baseDelayMs = 50, retryInternal } = options;
      if (maxAttempts === 1) throw new ChainError('"retry" has no effect with maxAttempts 1: that is the first one');
      const { facts, retried } = repeatedMethods(deps);
      if (retried.length === 0) {
        throw new ChainError('"retry" has no effect: no method of the service may be sent again');
      }
      checkWait('baseDelayMs of "retry"', baseDelayMs, longestDeadline(retried));
      if (retryInternal === true && retried.every(({ idempotency }) => idempotency !== "NO_SIDE_EFFECTS")) {
        throw new ChainError(
          'retryInternal of "retry" has no effect: no method without side effects is sent again by it',
        );
      }
      const { budget, attempts, clock, random } = deps;
      return kitRetry({ ...options, methods: facts, budget, attempts }, { clock, random });
    },
  };
}

/**
 * A service that is back is found within seconds: work that is retried from a table must not wait longer for its next step.
 *
 * One bad instance must not shut out the others: finding it out is discovery's part, and a retry goes elsewhere. Of two, it
 * fails half of the calls until it is ejected, and those that it has under way then; when it is killed, all of them fail at
 * once: 45 in a row of the 90 that services/order lets out. A service that is gone fails 100 of 100, which at 200 calls a
 * second takes half a second.
 */
const BREAKER = { openMs: 1_000, maxOpenMs: 4_000, failureRate: 0.8, failuresInARow: 100 };

/** A second host is asked when the first takes long, of the methods that the contract lets be hedged. */
export function hedging(options: own.HedgingOptions = {}): ClientPart {
  return {
    name: "hedging",
    build: (deps) => {
      checkOptions("hedging", options, own.HEDGING);
      const { facts, hedged } = repeatedMethods(deps);
      if (hedged.length === 0) {
        throw new ChainError('"hedging" has no effect: the contract lets no method of the service be hedged');
      }
      checkWait('delayMs of "hedging"', options.delayMs ?? 50, longestDeadline(hedged));
      const { budget, attempts, clock } = deps;
      return kitHedging({ ...options, methods: facts, budget, attempts }, { clock });
    },
  };
}

/** Calls to what mostly fails are refused here, until a few have shown that it is back. Clients given the same part share it. */
export function breaker(options: own.BreakerOptions = {}): ClientPart {
  let shared: kitBreaker.Breakers | undefined;
  return {
    name: "breaker",
    build: ({ target, clock, random }) => {
      checkOptions("breaker", options, own.BREAKER);
      shared ??= new kitBreaker.Breakers({ ...BREAKER, ...options }, { clock, random });
      return kitBreaker.breaker({ target, breakers: shared });
    },
  };
}

/**
 * So many attempts in flight to one target, less what is kept free for other priorities; what is more is refused here, or
 * waits. Clients given the same part share it.
 */
export function concurrencyLimit(options: own.ConcurrencyLimitOptions): ClientPart {
  const shared = new Map<string, Interceptor>();
  return {
    name: "concurrencyLimit",
    build: ({ target, methods, clock }) => {
      checkOptions("concurrencyLimit", options, own.CONCURRENCY_LIMIT);
      if (options.queue !== undefined) checkOptions("concurrencyLimit.queue", options.queue, own.QUEUE);
      const limit = shared.get(target) ?? kitLimit.concurrencyLimit({ ...options, methods }, { clock });
      shared.set(target, limit);
      return limit;
    },
  };
}

/** Each attempt has less time than its call, so that there is some left for another. */
export function attemptTimeout(options: own.AttemptTimeoutOptions): ClientPart {
  return {
    name: "attemptTimeout",
    build: (deps) => {
      checkOptions("attemptTimeout", options, own.ATTEMPT_TIMEOUT);
      const { facts, retried, hedged } = repeatedMethods(deps);
      // Streams keep all their time: one that is well would be cut, too.
      const limited = [...retried, ...hedged].filter(isUnary);
      if (limited.length === 0) throw new ChainError('"attemptTimeout" has no effect: no unary call is sent twice');
      const longest = longestDeadline(limited);
      const { timeoutMs } = options;
      if (!(timeoutMs > 0 && timeoutMs < longest)) {
        const range = `above 0 and below ${longest}, the longest call's that is sent twice`;
        throw new ChainError(`timeoutMs of "attemptTimeout" must be ${range}, is ${timeoutMs}`);
      }
      return kitTimeout.attemptTimeout({ timeoutMs, methods: facts }, { clock: deps.clock });
    },
  };
}

/** A token on each attempt. */
export function auth(options: kitAuth.AuthOptions): ClientPart {
  return {
    name: "auth",
    build: ({ clock }) => {
      checkOptions("auth", options, own.AUTH);
      return kitAuth.auth(options, { clock });
    },
  };
}

/** The path of a method that a key may be put on, and whose server looks at it there. */
function pathForKey({ methods, paths }: ClientDeps, name: string): string {
  const path = paths.get(name);
  const method = path === undefined ? undefined : methods(path);
  if (path === undefined || method === undefined) {
    throw new ChainError(`"idempotencyKey" names "${name}", which is no method of the service`);
  }
  const refuse = (why: string) => new ChainError(`"idempotencyKey" has no effect on "${name}": ${why}`);
  if (!isUnary(method)) throw refuse("no server looks for the key of a stream");
  if (method.key === "field") throw refuse("its key is a field of the request");
  if (method.key === "metadata") throw refuse("it gets a key without being named");
  if (!mayCarryKey(method)) throw refuse("it has no side effects");
  return path;
}

function checkTelemetry(part: string, options: own.TelemetryOptions): void {
  checkOptions(part, options, own.TELEMETRY);
  if (options.telemetry === undefined) throw new ChainError(`"${part}" has no effect without telemetry`);
}

/** A wait that is as long as the call comes to an end with it. */
function checkWait(name: string, ms: number, longest: number): void {
  if (!(ms < longest)) throw new ChainError(`${name} must be below ${longest}, the longest call's, is ${ms}`);
}
