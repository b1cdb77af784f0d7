import type { Scope } from "../domain/scope.ts";

/** The scope for one piece of a longer call: it ends after `longestMs`, or with the call if that is earlier. */
export function boundedScope({ deadline, signal }: Scope, longestMs: number, now = Date.now): Scope {
  return { deadline: Math.min(deadline, now() + longestMs), signal };
}
