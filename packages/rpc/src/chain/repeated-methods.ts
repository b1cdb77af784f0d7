import type { MethodFacts } from "../service-methods.ts";
import type { ClientDeps } from "./client-part.ts";

export interface RepeatedMethods {
  readonly facts: (path: string) => MethodFacts | undefined;
  readonly retried: readonly MethodFacts[];
  readonly hedged: readonly MethodFacts[];
}

/**
 * The methods as this chain repeats them: hedged with "hedging" only, sent again with "retry" only, and never both.
 * No stream is hedged.
 */
export function repeatedMethods({ methods, paths, parts }: ClientDeps): RepeatedMethods {
  const facts = new Map<string, MethodFacts>();
  for (const path of paths.values()) {
    const method = methods(path);
    if (method === undefined) continue;
    const hedge = method.hedge && parts.has("hedging") && isUnary(method);
    facts.set(path, { ...method, hedge, retry: method.retry && parts.has("retry") && !hedge });
  }
  const all = [...facts.values()];
  return {
    facts: (path) => facts.get(path),
    retried: all.filter(({ retry }) => retry),
    hedged: all.filter(({ hedge }) => hedge),
  };
}

export function isUnary({ requestStream, responseStream }: MethodFacts): boolean {
  return !requestStream && !responseStream;
}

/** Of all these methods; 0 for none. Unit: milliseconds. */
export function longestDeadline(methods: readonly MethodFacts[]): number {
  return Math.max(0, ...methods.map(({ deadlineMs }) => deadlineMs));
}
