/** The parts of a client's chain: {@link CLIENT_ORDER} says where each one stands. Their options are those of the kit's files. */
import * as kitTimeout from "@holdfast/interceptors/client/attempt-timeout";
import * as kitAuth from "@holdfast/interceptors/client/auth";
import * as kitContext from "@holdfast/interceptors/client/context";
import * as kitDeadline from "@holdfast/interceptors/client/deadline";
import * as kitErrors from "@holdfast/interceptors/client/errors";
import { idempotencyKey as kitIdempotencyKey } from "@holdfast/interceptors/client/idempotency-key";
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
