/** Stands for every key: a payload that concerns all, or news of which the details were lost. */
export const EVERY_KEY = "*";
/** Beyond this many keys a subscriber had better look at everything. */
const MAX_KEYS = 1_000;

/** News that one reader has not seen yet. For one reader: one `next()` at a time. */
export interface Subscription extends Disposable {
  /**
   * The payloads since the last call, waiting for the first one if there is none yet. `"*"` among them stands for all
   * keys; an empty set says that nothing came within `maxWaitMs` (unit: milliseconds).
   *
   * @throws The signal's reason when it aborts.
   */
  next(signal: AbortSignal, maxWaitMs: number): Promise<ReadonlySet<string>>;
}

/** The end of a subscription that notifications come in at. */
export interface Receiver {
  receive(payload: string): void;
}

/** @param key Payloads other than this and `*` are ignored; `undefined` takes all. */
export function subscription(key: string | undefined, onDispose: (it: Receiver) => void): Subscription & Receiver {
  let seen = new Set<string>();
  let wake = () => {};

  const news = async (signal: AbortSignal, maxWaitMs: number) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    const timer = setTimeout(resolve, maxWaitMs);
    signal.addEventListener("abort", abort, { once: true });
    wake = resolve;
    try {
      await promise;
    } finally {
      wake = () => {};
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  };

  const it = {
    receive(payload: string) {
      if (key !== undefined && payload !== key && payload !== EVERY_KEY) return;
      seen.add(payload);
      if (seen.size > MAX_KEYS) seen = new Set([EVERY_KEY]);
      wake();
    },
    async next(signal: AbortSignal, maxWaitMs: number) {
      signal.throwIfAborted();
      if (seen.size === 0) await news(signal, maxWaitMs);
      const result = seen;
      seen = new Set();
      return result;
    },
    [Symbol.dispose]() {
      onDispose(it);
      wake();
    },
  };
  return it;
}
