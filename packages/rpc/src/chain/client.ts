/** The parts of a client's chain: {@link CLIENT_ORDER} says where each one stands. Their options are those of the kit's files. */
import type { Interceptor } from "@grpc/grpc-js";
import * as kitTimeout from "@holdfast/interceptors/client/attempt-timeout";
import * as kitAuth from "@holdfast/interceptors/client/auth";
import * as kitBreaker from "@holdfast/interceptors/client/breaker";
import * as kitLimit from "@holdfast/interceptors/client/concurrency-limit";
import * as kitContext from "@holdfast/interceptors/client/context";
import * as kitDeadline from "@holdfast/interceptors/client/deadline";
import * as kitErrors from "@holdfast/interceptors/client/errors";
import { hedging as kitHedging, type HedgingOptions } from "@holdfast/interceptors/client/hedging";
import { idempotencyKey as kitIdempotencyKey } from "@holdfast/interceptors/client/idempotency-key";
import { type RetryOptions, retry as kitRetry } from "@holdfast/interceptors/client/retry";
import * as kitTelemetry from "@holdfast/interceptors/client/telemetry";
import { ChainError } from "./chain-error.ts";
import type { ClientPart } from "./client-part.ts";

/** Request id, trace and priority of the call that is being handled go on. */
export function context(options: Partial<kitContext.ContextOptions> = {}): ClientPart {
  return {
    name: "context",
    build: ({ methods, clock, random }) =>
      kitContext.context({ methods, trusted: true, ...options }, { clock, random }),
  };
}

/** Reason, violations and the like become fields of the error. */
export function errors(): ClientPart {
  return { name: "errors", build: () => kitErrors.errors() };
}

/** Every call has a deadline, and ends with the call on whose behalf it is made. */
export function deadline(options: Partial<Omit<kitDeadline.DeadlineOptions, "methods">> = {}): ClientPart {
  return {
    name: "deadline",
    // Every method of the contracts has a limit; the default is for those that are none of the service's.
    build: ({ methods, clock }) => kitDeadline.deadline({ methods, defaultMs: 5_000, ...options }, { clock }),
  };
}

type TelemetryOptions = Partial<Omit<kitTelemetry.ClientTelemetryOptions, "methods" | "target">>;

/** One span, one log record and the metrics of each call as its caller sees it. */
export function callTelemetry(options: TelemetryOptions): ClientPart {
  return {
    name: "callTelemetry",
    build: ({ methods, target, clock }) => kitTelemetry.callTelemetry({ methods, target, ...options }, { clock }),
  };
}

/** The same of each attempt. */
export function attemptTelemetry(options: TelemetryOptions): ClientPart {
  return {
    name: "attemptTelemetry",
    build: ({ methods, target, clock }) => kitTelemetry.attemptTelemetry({ methods, target, ...options }, { clock }),
  };
}

/** Stamps a key on calls of methods that want one in the metadata, and on those that `also` names. */
export function idempotencyKey({ also = [] }: { also?: readonly string[] } = {}): ClientPart {
  return {
    name: "idempotencyKey",
    build: ({ methods, paths }) => {
      const named = new Set(also.map((key) => pathOf(paths, key, "idempotencyKey")));
      if (named.size === 0 && ![...paths.values()].some((path) => methods(path)?.key === "metadata")) {
        throw new ChainError('"idempotencyKey" has no effect: no method of the service takes a key in the metadata');
      }
      return kitIdempotencyKey({ methods, also: (path) => named.has(path) });
    },
  };
}

/** Calls that failed are sent again where that is safe, within the budget of the target. */
export function retry(options: Partial<Omit<RetryOptions, "methods" | "budget" | "attempts">> = {}): ClientPart {
  return {
    name: "retry",
    build: ({ methods, paths, budget, attempts, parts, clock, random }) => {
      if (options.maxAttempts === 1)
        throw new ChainError('"retry" has no effect with maxAttempts 1: that is the first one');
      // What is hedged is not retried as well; without hedging it is.
      const retried = (path: string) => {
        const method = methods(path);
        return method && { ...method, hedge: method.hedge && parts.has("hedging") };
      };
      const any = [...paths.values()].map(retried).some((method) => method?.retry === true && !method.hedge);
      if (!any) throw new ChainError('"retry" has no effect: no method of the service may be sent again');
      return kitRetry({ methods: retried, budget, attempts, ...options }, { clock, random });
    },
  };
}

/** A service that is back is found within seconds: work that is retried from a table must not wait longer for its next step. */
const BREAKER = { openMs: 1_000, maxOpenMs: 4_000 };

/** A second host is asked when the first takes long, of the methods that the contract lets be hedged. */
export function hedging(options: Omit<HedgingOptions, "methods" | "budget" | "attempts"> = {}): ClientPart {
  return {
    name: "hedging",
    build: ({ methods, paths, budget, attempts, clock }) => {
      if (![...paths.values()].some((path) => methods(path)?.hedge === true)) {
        throw new ChainError('"hedging" has no effect: the contract lets no method of the service be hedged');
      }
      return kitHedging({ methods, budget, attempts, ...options }, { clock });
    },
  };
}

/** Calls to what mostly fails are refused here, until a few have shown that it is back. Clients given the same part share it. */
export function breaker(options: kitBreaker.BreakersOptions = {}): ClientPart {
  let shared: kitBreaker.Breakers | undefined;
  return {
    name: "breaker",
    build: ({ target, clock, random }) => {
      shared ??= new kitBreaker.Breakers({ ...BREAKER, ...options }, { clock, random });
      return kitBreaker.breaker({ target, breakers: shared });
    },
  };
}

/** So many attempts in flight to one target; what is more is refused here, or waits. Clients given the same part share it. */
export function concurrencyLimit(options: Omit<kitLimit.ConcurrencyLimitOptions, "methods">): ClientPart {
  const shared = new Map<string, Interceptor>();
  return {
    name: "concurrencyLimit",
    build: ({ target, methods, clock }) => {
      const limit = shared.get(target) ?? kitLimit.concurrencyLimit({ methods, ...options }, { clock });
      shared.set(target, limit);
      return limit;
    },
  };
}

/** Each attempt has less time than its call, so that there is some left for another. */
export function attemptTimeout({ timeoutMs }: { timeoutMs: number }): ClientPart {
  return {
    name: "attemptTimeout",
    build: ({ methods, paths, clock }) => {
      const limited = [...paths.values()]
        .map(methods)
        .filter((method) => method?.retry === true || method?.hedge === true);
      const longest = Math.max(0, ...limited.map((method) => method?.deadlineMs ?? 0));
      if (!(timeoutMs > 0 && timeoutMs < longest)) {
        throw new ChainError(
          `timeoutMs of "attemptTimeout" must be below ${longest}, the longest call's, is ${timeoutMs}`,
        );
      }
      return kitTimeout.attemptTimeout({ timeoutMs, methods }, { clock });
    },
  };
}

/** A token on each attempt. */
export function auth(options: kitAuth.AuthOptions): ClientPart {
  return { name: "auth", build: ({ clock }) => kitAuth.auth(options, { clock }) };
}

function pathOf(paths: ReadonlyMap<string, string>, key: string, part: string): string {
  const path = paths.get(key);
  if (path === undefined) throw new ChainError(`"${part}" names "${key}", which is no method of the service`);
  return path;
}
