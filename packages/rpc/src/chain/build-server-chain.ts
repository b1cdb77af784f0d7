import type { ServerInterceptor } from "@grpc/grpc-js";
import { guarded } from "@holdfast/interceptors/server/guard";
import { checkOrder, checkRequired } from "./check-order.ts";
import { SERVER_ORDER, type ServerDeps, type ServerPart } from "./server-part.ts";

/**
 * Builds the interceptors of a server, each behind a guard: whatever one of them throws, the client has a status and the process
 * goes on.
 *
 * @throws {ChainError} For parts out of order, for a part that would have no effect, and without those that a server of ours
 * never goes without.
 */
export function buildServerChain(parts: readonly ServerPart[], deps: Omit<ServerDeps, "parts">): ServerInterceptor[] {
  checkOrder(parts, SERVER_ORDER);
  checkRequired(parts, ["guard", "context", "drain", "deadline", "validation", "errors"]);
  const byName = new Map(parts.map((part) => [part.name, part]));
  const observe = ({ path, error }: { path: string; error: unknown }) =>
    deps.log.error({ path, err: error }, "an interceptor failed");
  return guarded(
    parts.flatMap((part) => part.build({ ...deps, parts: byName })),
    { observe },
  );
}
