/** What the promise gives, or the signal's reason if that comes first. The promise goes on alone then. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([aborted, promise]); // of two that are settled the first one wins
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
