/** Work that may outlive the call that started it. */
export interface InFlight {
  /** The function, with every run of it remembered until it ends. */
  wrap<Args extends unknown[], T>(work: (...args: Args) => Promise<T>): (...args: Args) => Promise<T>;
  /** Resolves when all of it has ended, well or not. */
  settled(): Promise<void>;
}

/** Lets a drain wait for calls whose caller has gone away: they still have an outcome to record. */
export function inFlight(): InFlight {
  const open = new Set<Promise<unknown>>();
  return {
    wrap:
      (work) =>
      async (...args) => {
        const running = work(...args);
        open.add(running);
        try {
          return await running;
        } finally {
          open.delete(running);
        }
      },
    settled: async () => void (await Promise.allSettled(open)),
  };
}
