import type { ServerInterceptor } from "@grpc/grpc-js";
import type { Clock } from "@holdfast/interceptors/context";
import type { DrainGate } from "@holdfast/interceptors/server/drain";
import type { Logger } from "@holdfast/process";
import type { MethodFacts } from "../service-methods.ts";

/** What the server knows of a method beside its policy: how its messages are read and written. */
export interface ServedMethod extends MethodFacts {
  encodeRequest(message: unknown): Uint8Array;
  decodeResponse(bytes: Uint8Array): unknown;
}

/** What the parts of a server's chain are built with. */
export interface ServerDeps {
  /** The methods of the service; undefined for health and reflection. */
  readonly methods: (path: string) => ServedMethod | undefined;
  /** The path of a method of the service by its name in the generated client. */
  readonly paths: ReadonlyMap<string, string>;
  /** The paths of all methods that the server has: the service's, health's and reflection's. */
  readonly served: ReadonlySet<string>;
  readonly log: Logger;
  readonly gate: DrainGate;
  readonly clock: Clock;
  readonly random: () => number;
  /** What is to be closed with the server. */
  readonly onClose: (resource: Disposable) => void;
  /** The parts that the chain consists of. */
  readonly parts: ReadonlyMap<ServerPartName, ServerPart>;
}

/** One interceptor of a server's chain, not built yet. */
export interface ServerPart {
  readonly name: ServerPartName;
  /** Of "authenticate": what anybody may call, `/package.Service/Method` or `/package.Service/*`. */
  readonly publicMethods?: readonly string[];
  /**
   * More than one where a part works in two places; none where it works around the handler.
   * @throws {ChainError} For what would have no effect.
   */
  build(deps: ServerDeps): readonly ServerInterceptor[];
}

/** Every part that a server's chain may have, the one nearest to the wire first. Why in this order: docs/interceptors.md. */
export const SERVER_ORDER = [
  "guard",
  "context",
  "telemetry",
  "drain",
  "deadline",
  "loadShed",
  "fault",
  "authenticate",
  "authorize",
  "rateLimit",
  "validation",
  "idempotency",
  "errors",
] as const;
export type ServerPartName = (typeof SERVER_ORDER)[number];
