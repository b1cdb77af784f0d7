/** Lets one waiter sleep until somebody calls. A call that comes before the wait is not lost. */
export class WakeUp {
  #called = false;
  #wake = () => {};

  call(): void {
    this.#called = true;
    this.#wake();
  }

  /**
   * Returns when there was a call since the last wait, or `maxMs` have passed.
   *
   * @throws The signal's reason when it aborts.
   */
  async wait(maxMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#called) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const abort = () => reject(signal.reason);
      const timer = setTimeout(resolve, Math.max(maxMs, 0));
      signal.addEventListener("abort", abort, { once: true });
      this.#wake = resolve;
      try {
        await promise;
      } finally {
        this.#wake = () => {};
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
      }
    }
    this.#called = false;
  }
}
