import type { ServerInterceptor } from "@grpc/grpc-js";
import { guarded } from "@holdfast/interceptors/server/guard";
import { checkOrder, checkRequired } from "./check-order.ts";
import { SERVER_ORDER, type ServerDeps, type ServerPart, type ServerPartName } from "./server-part.ts";

/**
 * One guard for each row: what a part throws comes back through those that stand in its row, and ends at the guard. So behind
 * one that may throw in a status stands no one that sends one from a timer or a promise, and who lets a call go on in such a turn
 * stands alone.
 */
const ROWS: readonly (readonly ServerPartName[])[] = [
  ["context", "telemetry"],
  ["drain", "deadline", "loadShed"],
  ["fault"],
  ["authenticate"],
  ["authorize", "rateLimit", "validation", "idempotency", "errors"],
];

/**
 * Builds the interceptors of a server, behind guards: whatever one of them throws, the client has a status and the process goes on.
 *
 * @throws {ChainError} For parts out of order, for a part that would have no effect, and without those that a server of ours
 * never goes without.
 */
export function buildServerChain(parts: readonly ServerPart[], deps: Omit<ServerDeps, "parts">): ServerInterceptor[] {
  checkOrder(parts, SERVER_ORDER);
  checkRequired(parts, ["guard", "context", "drain", "deadline", "validation", "errors"]);
  const byName = new Map(parts.map((part) => [part.name, part]));
  const unplaced = parts.find(({ name }) => name !== "guard" && !ROWS.some((row) => row.includes(name)));
  if (unplaced !== undefined) throw new Error(`"${unplaced.name}" stands in no row`);
  const built = new Map(parts.map((part) => [part.name, part.build({ ...deps, parts: byName })]));
  const observe = ({ path, error }: { path: string; error: unknown }) =>
    deps.log.error({ path, err: error }, "an interceptor failed");
  const rows = ROWS.map((names) => names.flatMap((name) => built.get(name) ?? []));
  // The first one guards itself, and has to stand on grpc-js' own call.
  return [
    ...(built.get("guard") ?? []),
    ...guarded(
      rows.filter((row) => row.length > 0),
      { observe },
    ),
  ];
}
