/** A terminal sends Ctrl-C to everybody in it, and npm passes it on once more: that is one wish. Unit: milliseconds. */
const SAME_WISH_MS = 300;

export interface StopRequests {
  /** Aborts at the first request. */
  readonly signal: AbortSignal;
  /** Resolves at the first request. */
  readonly requested: Promise<void>;
  /** What to do at the second request. @default ends the process */
  onSecond(force: () => void): void;
}

/**
 * Waits for whoever wants the stack to stop: SIGINT (Ctrl-C), SIGTERM, SIGHUP (the terminal was closed), the end of the
 * process that started us, or the end of the program that reads our output.
 */
export function stopRequests(now: () => number = () => performance.now()): StopRequests {
  const stopping = new AbortController();
  const { promise: requested, resolve } = Promise.withResolvers<void>();
  let force = () => process.exit(1);
  let firstAt = 0;

  const onFirst = () => {
    if (stopping.signal.aborted) return;
    firstAt = now();
    stopping.abort(new Error("asked to stop"));
    resolve();
  };
  const onSignal = () => {
    if (!stopping.signal.aborted) onFirst();
    else if (now() - firstAt >= SAME_WISH_MS) force();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  if (process.channel !== undefined) process.once("disconnect", onFirst);
  for (const stream of [process.stdout, process.stderr]) stream.on("error", onFirst);

  return {
    signal: stopping.signal,
    requested,
    onSecond(action) {
      force = action as () => never;
    },
  };
}
