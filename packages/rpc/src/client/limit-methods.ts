import { ChainError } from "../chain/chain-error.ts";
import type { MethodFacts } from "../service-methods.ts";

/**
 * The methods of a service with the time that one client gives them: never more than the contract.
 *
 * @throws {ChainError} For a method that is none of the service's, for a time that is longer than the contract's, and for a method's
 * time that it has without being named.
 */
export function limitMethods(
  facts: (path: string) => MethodFacts | undefined,
  paths: ReadonlyMap<string, string>,
  { timeoutMs, methodTimeoutsMs = {} }: { timeoutMs?: number; methodTimeoutsMs?: Readonly<Record<string, unknown>> },
): (path: string) => MethodFacts | undefined {
  const limited = new Map<string, MethodFacts>();
  for (const path of paths.values()) {
    const method = facts(path);
    if (method === undefined) continue;
    limited.set(path, { ...method, deadlineMs: Math.min(method.deadlineMs, timeoutMs ?? Infinity) });
  }
  const longest = Math.max(...[...paths.values()].map((path) => facts(path)?.deadlineMs ?? 0));
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= longest)) {
    throw new ChainError(
      `timeoutMs must be more than 0 and at most ${longest}, the contract's longest, is ${timeoutMs}`,
    );
  }
  for (const [key, ms] of Object.entries(methodTimeoutsMs)) {
    const path = paths.get(key) ?? "";
    const method = facts(path);
    if (method === undefined)
      throw new ChainError(`methodTimeoutsMs names "${key}", which is no method of the service`);
    if (typeof ms !== "number" || !(ms > 0 && ms <= method.deadlineMs)) {
      const range = `more than 0 and at most ${method.deadlineMs}, the contract's`;
      throw new ChainError(`methodTimeoutsMs of "${key}" must be ${range}, is ${String(ms)}`);
    }
    if (ms === limited.get(path)?.deadlineMs) {
      throw new ChainError(`methodTimeoutsMs of "${key}" has no effect: it has ${ms} without it`);
    }
    limited.set(path, { ...method, deadlineMs: ms });
  }
  return (path) => limited.get(path);
}
