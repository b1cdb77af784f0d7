/** The parts of a server's chain: {@link SERVER_ORDER} says where each one stands, server-options.ts what it can be told. */
import { status } from "@grpc/grpc-js";
import { mayCarryKey, RELEASED } from "@holdfast/interceptors/idempotency-answers";
import * as kitAuth from "@holdfast/interceptors/server/auth";
import * as kitAuthorize from "@holdfast/interceptors/server/authorize";
import * as kitContext from "@holdfast/interceptors/server/context";
import * as kitDeadline from "@holdfast/interceptors/server/deadline";
import * as kitFault from "@holdfast/interceptors/server/fault";
import * as kitIdempotency from "@holdfast/interceptors/server/idempotency";
import * as kitLoadShed from "@holdfast/interceptors/server/load-shed";
import * as kitRateLimit from "@holdfast/interceptors/server/rate-limit";
import { statusGuard } from "@holdfast/interceptors/server/status-guard";
import * as kitTelemetry from "@holdfast/interceptors/server/telemetry";
import { validation as kitValidation } from "@holdfast/interceptors/server/validation";
import { checkRequest } from "../server/check-request.ts";
import { explain } from "../server/explain.ts";
import { openTelemetry } from "../telemetry/open-telemetry.ts";
import { requestFields } from "../validation/request-fields.ts";
import { authorizeTable, HEALTH } from "./authorize-table.ts";
import { ChainError } from "./chain-error.ts";
import { checkNames, serviceOf } from "./check-names.ts";
import { checkOptions, type NoOptions } from "./check-options.ts";
import { isUnary, longestDeadline } from "./repeated-methods.ts";
import * as own from "./server-options.ts";
import type { ServerDeps, ServerPart } from "./server-part.ts";

/** Exactly one status, and one that can be sent, whatever happens. */
export function guard(options: NoOptions = {}): ServerPart {
  return {
    name: "guard",
    build: ({ clock }) => {
      checkOptions("guard", options, {});
      return [statusGuard({ explain }, { clock })];
    },
  };
}

/** Request id, trace, priority and cancellation, for everything further in. */
export function context(options: own.ContextOptions = {}): ServerPart {
  return {
    name: "context",
    build: ({ methods, clock, random }) => {
      checkOptions("context", options, own.CONTEXT);
      return [kitContext.context({ ...options, methods }, { clock, random })];
    },
  };
}

/** No new calls while the server drains. */
export function drain(options: NoOptions = {}): ServerPart {
  return {
    name: "drain",
    build: ({ gate }) => {
      checkOptions("drain", options, {});
      return [gate.interceptor];
    },
  };
}

/** Every call ends in the time that the contract gives it. */
export function deadline(options: own.DeadlineOptions = {}): ServerPart {
  return {
    name: "deadline",
    build: (deps) => {
      checkOptions("deadline", options, own.DEADLINE);
      checkMaxima(options, deps);
      const { methods, clock } = deps;
      return [kitDeadline.deadline({ ...options, methods }, { clock })];
    },
  };
}

/** One span, one log line and the metrics of each call. @default to OpenTelemetry and the server's log */
export function telemetry(options: own.TelemetryOptions = {}): ServerPart {
  return {
    name: "telemetry",
    build: ({ methods, served, log, clock }) => {
      checkOptions("telemetry", options, own.TELEMETRY);
      // A name that is misspelt would leave in the log what must not be there.
      checkNames("telemetry", options.redact, served, requestFields);
      const { telemetry: records = openTelemetry(log) } = options;
      return [kitTelemetry.telemetry({ ...options, methods, telemetry: records }, { clock })];
    },
  };
}

/** A call may be 100 ms late before it is turned away: shorter pauses are a garbage collection or a busy machine. */
const EVENT_LOOP = { maxDelayMs: 100 };

/** Refuses what could only be answered too late, before it is read. */
export function loadShed(options: own.LoadShedOptions = {}): ServerPart {
  return {
    name: "loadShed",
    build: ({ methods, served, clock, random, onClose }) => {
      checkOptions("loadShed", options, own.LOAD_SHED);
      if (options.eventLoop !== undefined) checkOptions("loadShed.eventLoop", options.eventLoop, own.EVENT_LOOP);
      checkNames("loadShed", options.exempt, served, (path) => [serviceOf(path)]);
      const interceptor = kitLoadShed.loadShed({ eventLoop: EVENT_LOOP, ...options, methods }, { clock, random });
      onClose(interceptor);
      return [interceptor];
    },
  };
}

/** Delays, refusals and silence, for tests and demonstrations. */
export function fault(options: kitFault.FaultOptions): ServerPart {
  return {
    name: "fault",
    build: ({ clock, random, served }) => {
      checkOptions("fault", options, own.FAULTS);
      for (const [index, each] of options.faults.entries()) {
        checkOptions(`fault.faults[${index}]`, each, own.FAULT);
        checkNames("fault", each.methods, served, (path) => [path, `/${serviceOf(path)}/`]);
      }
      return [kitFault.fault(options, { clock, random })];
    },
  };
}

/** Only callers whom `verify` knows; they become the principal of the call. Health answers everybody. */
export function authenticate(options: kitAuth.AuthenticateOptions): ServerPart {
  const publicMethods = [HEALTH, ...(options.publicMethods ?? [])];
  return {
    name: "authenticate",
    publicMethods,
    build: ({ served }) => {
      checkOptions("authenticate", options, own.AUTHENTICATE);
      checkNames("authenticate", options.publicMethods, served, (path) => [path, `/${serviceOf(path)}/*`]);
      return [kitAuth.authenticate({ ...options, publicMethods })];
    },
  };
}

/** Who may call what. Health answers everybody; for reflection there is an option. */
export function authorize(options: own.AuthorizeOptions): ServerPart {
  return {
    name: "authorize",
    build: (deps) => {
      checkOptions("authorize", options, own.AUTHORIZE);
      return [kitAuthorize.authorize(authorizeTable(options, deps))];
    },
  };
}

/** So many calls per second of each caller. */
export function rateLimit(options: kitRateLimit.RateLimitOptions): ServerPart {
  return {
    name: "rateLimit",
    build: ({ served, clock }) => {
      checkOptions("rateLimit", options, own.RATE_LIMIT);
      checkNames("rateLimit", options.exempt, served, (path) => [serviceOf(path)]);
      return [kitRateLimit.rateLimit(options, { clock })];
    },
  };
}

/** Requests that break the contract reach no handler. */
export function validation(options: NoOptions = {}): ServerPart {
  return {
    name: "validation",
    build: () => {
      checkOptions("validation", options, {});
      return [kitValidation({ check: checkRequest })];
    },
  };
}

/**
 * Repetitions of a call with an idempotency key in its metadata are answered from the store. What the contract calls IDEMPOTENT is done
 * again where its answer was lost; of other methods the outcome is unknown then.
 */
export function idempotency(options: own.IdempotencyOptions): ServerPart {
  return {
    name: "idempotency",
    build: ({ methods, paths, clock }) => {
      checkOptions("idempotency", options, own.IDEMPOTENCY);
      const covered = [...paths.values()].filter((path) => {
        const method = methods(path);
        return method !== undefined && isUnary(method) && mayCarryKey(method);
      });
      if (covered.length === 0) {
        throw new ChainError('"idempotency" has no effect: no method of the service leaves its key to the chain');
      }
      const uncovered = options.transactional?.find((path) => !covered.includes(path));
      if (uncovered !== undefined) {
        throw new ChainError(`transactional of "idempotency" names "${uncovered}", whose key is not left to the chain`);
      }
      const transactional = covered.filter((path) => methods(path)?.idempotency === "IDEMPOTENT");
      const releaseOn = transactional.length === covered.length ? [...RELEASED, status.UNAVAILABLE] : RELEASED;
      return [kitIdempotency.idempotency({ transactional, releaseOn, ...options, methods }, { clock })];
    },
  };
}

/** What a handler throws becomes a status with its reason; `serve` puts it around every handler. */
export function errors(options: NoOptions = {}): ServerPart {
  return {
    name: "errors",
    build: () => {
      checkOptions("errors", options, {});
      return [];
    },
  };
}

/** What health and reflection have without a limit of ours; the kit's defaults. Unit: milliseconds. */
const UNARY_MAX_MS = 30_000;
const STREAM_MAX_MS = 3_600_000;

/** A maximum that no method of the service comes near limits nothing. */
function checkMaxima({ unaryMaxMs, streamMaxMs }: own.DeadlineOptions, { paths, methods }: ServerDeps): void {
  const all = [...paths.values()].flatMap((path) => methods(path) ?? []);
  const unary = longestDeadline(all.filter(isUnary)) || UNARY_MAX_MS;
  const stream = longestDeadline(all.filter((method) => !isUnary(method))) || STREAM_MAX_MS;
  for (const [name, value, longest] of [
    ["unaryMaxMs", unaryMaxMs, unary],
    ["streamMaxMs", streamMaxMs, stream],
  ] as const) {
    if (value === undefined || value < longest) continue;
    throw new ChainError(`${name} of "deadline" must be below ${longest}, the longest method's, is ${value}`);
  }
}
