import type { AuthorizeOptions as KitOptions, Rule } from "@holdfast/interceptors/server/authorize";
import { ChainError } from "./chain-error.ts";
import { checkNames, serviceOf } from "./check-names.ts";
import type { AuthorizeOptions } from "./server-options.ts";
import type { ServerDeps } from "./server-part.ts";

/** Whoever asks whether a server is well has no credentials: a balancer, an orchestrator. Its service as `authenticate` names it. */
export const HEALTH = "/grpc.health.v1.Health/*";

/**
 * The rule of every method that a server has: the service's own, those of health, which are open to all, and those of reflection.
 *
 * @throws {ChainError} For names of nothing, and where a rule and "authenticate" contradict each other.
 */
export function authorizeTable(
  { rules, reflection }: AuthorizeOptions,
  { paths, served, parts }: Pick<ServerDeps, "paths" | "served" | "parts">,
): Pick<KitOptions, "paths" | "rules"> {
  const authenticate = parts.get("authenticate");
  const open = new Set(authenticate?.publicMethods);
  const isOpen = (path: string) => open.has(path) || open.has(`/${serviceOf(path)}/*`);

  const table: Record<string, Rule> = {};
  for (const path of served) {
    if (path.startsWith("/grpc.health.")) table[path] = "public";
    if (path.startsWith("/grpc.reflection."))
      table[path] = reflection ?? (authenticate && !isOpen(path) ? "authenticated" : "public");
  }
  const byPath = Object.entries(rules).map(([name, rule]): [string, Rule] => [paths.get(name) ?? name, rule]);
  checkNames(
    "authorize",
    byPath.map(([path]) => path),
    served,
    (path) => [path],
  );
  Object.assign(table, Object.fromEntries(byPath));

  for (const [path, rule] of Object.entries(table)) {
    if (rule !== "public" && authenticate === undefined) {
      throw new ChainError(`"authorize" lets nobody call ${path}: without "authenticate" no caller is known`);
    }
    if (rule !== "public" && isOpen(path)) {
      throw new ChainError(
        `"authorize" lets nobody call ${path}: to "authenticate" it is public, so no caller is known`,
      );
    }
    if (rule === "public" && authenticate !== undefined && !isOpen(path)) {
      throw new ChainError(`"authorize" calls ${path} public, but it is none of the publicMethods of "authenticate"`);
    }
  }
  return { paths: [...served], rules: table };
}
