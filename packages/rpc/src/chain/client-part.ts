import type { Interceptor } from "@grpc/grpc-js";
import type { AttemptRecorder } from "@holdfast/interceptors/client/attempt-routing";
import type { AttemptBudget } from "@holdfast/interceptors/client/retry-budget";
import type { Clock } from "@holdfast/interceptors/context";
import type { MethodFacts } from "../service-methods.ts";

/** What the parts of a client's chain are built with. */
export interface ClientDeps {
  /** The client's target: budgets, breakers and limits count for it. */
  readonly target: string;
  /** The methods of the service, with the time that this client gives each. */
  readonly methods: (path: string) => MethodFacts | undefined;
  /** The path of a method by its name in the generated client. */
  readonly paths: ReadonlyMap<string, string>;
  readonly attempts: AttemptRecorder;
  /** Shared by all clients of the target in this process. */
  readonly budget: AttemptBudget;
  readonly clock: Clock;
  readonly random: () => number;
  /** Names of the parts that the chain consists of. */
  readonly parts: ReadonlySet<string>;
}

/** One interceptor of a client's chain, not built yet. */
export interface ClientPart {
  readonly name: ClientPartName;
  /** @throws {ChainError} For what would have no effect. */
  build(deps: ClientDeps): Interceptor;
}

/** Every part that a client's chain may have, the outermost first. Why in this order: docs/interceptors.md. */
export const CLIENT_ORDER = [
  "context",
  "callTelemetry",
  "errors",
  "deadline",
  "idempotencyKey",
  "retry",
  "hedging",
  "breaker",
  "concurrencyLimit",
  "attemptTimeout",
  "auth",
  "attemptTelemetry",
] as const;
export type ClientPartName = (typeof CLIENT_ORDER)[number];
