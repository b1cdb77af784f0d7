/** The parts of a server's chain: {@link SERVER_ORDER} says where each one stands. Their options are those of the kit's files. */
import { status } from "@grpc/grpc-js";
import { checkRequest } from "../server/check-request.ts";
import * as kitAuth from "@holdfast/interceptors/server/auth";
import * as kitAuthorize from "@holdfast/interceptors/server/authorize";
import * as kitContext from "@holdfast/interceptors/server/context";
import * as kitDeadline from "@holdfast/interceptors/server/deadline";
import * as kitFault from "@holdfast/interceptors/server/fault";
import { RELEASED } from "@holdfast/interceptors/idempotency-answers";
import * as kitIdempotency from "@holdfast/interceptors/server/idempotency";
import * as kitLoadShed from "@holdfast/interceptors/server/load-shed";
import * as kitRateLimit from "@holdfast/interceptors/server/rate-limit";
import { validation as kitValidation } from "@holdfast/interceptors/server/validation";
import { statusGuard } from "@holdfast/interceptors/server/status-guard";
import * as kitTelemetry from "@holdfast/interceptors/server/telemetry";
import { explain } from "../server/explain.ts";
import { openTelemetry } from "../telemetry/open-telemetry.ts";
import { ChainError } from "./chain-error.ts";
import type { ServerPart } from "./server-part.ts";

/** Exactly one status, and one that can be sent, whatever happens. */
export function guard(): ServerPart {
  return { name: "guard", build: ({ clock }) => [statusGuard({ explain }, { clock })] };
}

/** Request id, trace, priority and cancellation, for everything further in. */
export function context(options: Omit<kitContext.ContextOptions, "methods"> = {}): ServerPart {
  return {
    name: "context",
    build: ({ methods, clock, random }) => [kitContext.context({ methods, ...options }, { clock, random })],
  };
}

/** No new calls while the server drains. */
export function drain(): ServerPart {
  return { name: "drain", build: ({ gate }) => [gate.interceptor] };
}

/** Every call ends in the time that the contract gives it. */
export function deadline(options: Omit<kitDeadline.DeadlineOptions, "methods"> = {}): ServerPart {
  return {
    name: "deadline",
    build: ({ methods, clock }) => [kitDeadline.deadline({ methods, ...options }, { clock })],
  };
}

/** One span, one log line and the metrics of each call. @default to OpenTelemetry and the server's log */
export function telemetry(options: Omit<kitTelemetry.ServerTelemetryOptions, "methods"> = {}): ServerPart {
  return {
    name: "telemetry",
    build: ({ methods, log, clock }) => [
      kitTelemetry.telemetry({ methods, telemetry: openTelemetry(log), ...options }, { clock }),
    ],
  };
}

/** A call may be 100 ms late before it is turned away: shorter pauses are a garbage collection or a busy machine. */
const EVENT_LOOP = { maxDelayMs: 100 };

/** Refuses what could only be answered too late, before it is read. */
export function loadShed(options: Omit<kitLoadShed.LoadShedOptions, "methods"> = {}): ServerPart {
  return {
    name: "loadShed",
    build: ({ methods, clock, random, onClose }) => {
      const interceptor = kitLoadShed.loadShed({ methods, eventLoop: EVENT_LOOP, ...options }, { clock, random });
      onClose(interceptor);
      return [interceptor];
    },
  };
}

/** Delays, refusals and silence, for tests and demonstrations. */
export function fault(options: kitFault.FaultOptions): ServerPart {
  return {
    name: "fault",
    build: ({ clock, random, paths }) => {
      const known = new Set(paths.values());
      const unknown = options.faults
        .flatMap(({ methods = [] }) => methods)
        .find((path) => !path.endsWith("/") && !known.has(path));
      if (unknown !== undefined) throw new ChainError(`"fault" names "${unknown}", which is no method of the service`);
      return [kitFault.fault(options, { clock, random })];
    },
  };
}

/** Only callers whom `verify` knows; they become the principal of the call. */
export function authenticate(options: kitAuth.AuthenticateOptions): ServerPart {
  return { name: "authenticate", build: () => [kitAuth.authenticate(options)] };
}

/** Who may call what: a rule for each method of the service, by its name in the generated client. Default deny. */
export function authorize({ rules }: { rules: Readonly<Record<string, kitAuthorize.Rule>> }): ServerPart {
  return {
    name: "authorize",
    build: ({ paths }) => {
      const byPath = Object.entries(rules).map(([key, rule]) => [paths.get(key) ?? key, rule]);
      const own = { paths: [...paths.values()], rules: Object.fromEntries(byPath) };
      return [kitAuthorize.authorize(own)];
    },
  };
}

/** So many calls per second of each caller. */
export function rateLimit(options: kitRateLimit.RateLimitOptions): ServerPart {
  return { name: "rateLimit", build: ({ clock }) => [kitRateLimit.rateLimit(options, { clock })] };
}

/** Requests that break the contract reach no handler. */
export function validation(): ServerPart {
  return { name: "validation", build: () => [kitValidation({ check: checkRequest })] };
}

/**
 * Repetitions of a call with an idempotency key in its metadata are answered from the store. What the contract calls IDEMPOTENT is done
 * again where its answer was lost; of other methods the outcome is unknown then.
 */
export function idempotency(options: Omit<kitIdempotency.IdempotencyOptions, "methods">): ServerPart {
  return {
    name: "idempotency",
    build: ({ methods, paths, clock }) => {
      const covered = [...paths.values()].filter((path) => {
        const method = methods(path);
        const unary = method?.requestStream === false && !method.responseStream;
        return unary && method.key !== "field" && method.idempotency !== "NO_SIDE_EFFECTS";
      });
      if (covered.length === 0) {
        throw new ChainError('"idempotency" has no effect: no method of the service leaves its key to the chain');
      }
      const transactional = covered.filter((path) => methods(path)?.idempotency === "IDEMPOTENT");
      const releaseOn = transactional.length === covered.length ? [...RELEASED, status.UNAVAILABLE] : RELEASED;
      return [kitIdempotency.idempotency({ methods, transactional, releaseOn, ...options }, { clock })];
    },
  };
}

/** What a handler throws becomes a status with its reason; `serve` puts it around every handler. */
export function errors(): ServerPart {
  return { name: "errors", build: () => [] };
}
