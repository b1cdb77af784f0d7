import type { status } from "@grpc/grpc-js";

/** One call of a client. */
export interface Call {
  /** When it was due. Unit: milliseconds since the epoch. */
  at: number;
  /** From then until it ended, however late it was begun. */
  ms: number;
  code: status;
  /** ErrorInfo's, where the client reads it; empty if it does not, or there is none. */
  reason: string;
  /** The instance that answered; empty if none did. */
  from: string;
}

export interface OpenLoopOptions {
  perSecond: number;
  /** When the first call is due. Unit: milliseconds since the epoch. */
  startAt: number;
  call: () => Promise<Pick<Call, "code" | "reason" | "from">>;
  /** Unit: milliseconds since the epoch. */
  now: () => number;
  /** Resolves some time later; how much is not important, as what is due by then is called at once. */
  pause: () => Promise<void>;
}

/**
 * Calls at a constant rate, whether or not the calls before have ended, until `signal` is aborted; then waits for those
 * under way. A call that this process comes to late is measured from when it was due.
 */
export async function openLoop(options: OpenLoopOptions, signal: AbortSignal): Promise<Call[]> {
  const { perSecond, startAt, call, now, pause } = options;
  const calls: Promise<Call>[] = [];
  const measured = async (at: number): Promise<Call> => {
    const result = await call();
    return { at, ms: now() - at, ...result };
  };
  while (!signal.aborted) {
    // By number, not by adding up: a sum of 5 ms drifts.
    for (let at = dueAt(calls.length); at <= now(); at = dueAt(calls.length)) calls.push(measured(at));
    await pause();
  }
  return Promise.all(calls);

  function dueAt(count: number): number {
    return startAt + (count * 1_000) / perSecond;
  }
}
