/** Waits for `work`, but no longer than until the signal aborts: then throws its reason. Does not end the work. */
export async function raceSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const listener = () => reject(signal.reason);
  signal.addEventListener("abort", listener, { once: true });
  if (signal.aborted) listener();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", listener);
  }
}
