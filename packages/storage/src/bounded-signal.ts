import { DatabaseErrorKind } from "./database-error.ts";
import type { Scope } from "./scope.ts";
import { databaseError } from "./sql-state.ts";

/** About 24 days. A longer delay makes `setTimeout` fire at once, and PostgreSQL refuses a longer timeout. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * One signal for both ends of a scope: it aborts at the deadline or with the scope's own signal, whichever is first.
 * Its reason is the `DatabaseError` to throw. Dispose it when the work is over, it holds a timer and a listener.
 */
export function boundedSignal(scope: Scope, now: () => number): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const stop = () => {
    // A call context aborts its signal at its deadline too: the clock tells the two apart.
    const kind = now() >= scope.deadline ? DatabaseErrorKind.Deadline : DatabaseErrorKind.Cancelled;
    controller.abort(databaseError(kind, scope.signal.reason));
  };
  if (scope.signal.aborted || now() >= scope.deadline) stop();
  const remainingMs = Math.max(Math.ceil(scope.deadline - now()), 0);
  const timer =
    remainingMs > LONGEST_TIMER_MS
      ? undefined
      : setTimeout(() => controller.abort(databaseError(DatabaseErrorKind.Deadline)), remainingMs);
  scope.signal.addEventListener("abort", stop, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      scope.signal.removeEventListener("abort", stop);
    },
  };
}
