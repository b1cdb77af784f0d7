import type { RemoteError } from "@holdfast/rpc";
import type { Clock } from "./clock.ts";
import { isPassing } from "./is-passing.ts";

const BASE_DELAY_MS = 100;
const MAX_DELAY_MS = 2_000;

export interface PersistenceOptions {
  clock: Clock;
  signal: AbortSignal;
  /** How long one call is repeated. Unit: milliseconds. */
  giveUpAfterMs: number;
}

/** Repeats calls while services come and go, and knows when the last fault was seen. */
export interface Persistence {
  /**
   * Runs the call until it succeeds, with full jitter between the tries. The call must be idempotent.
   *
   * @throws What the call throws, if that will not pass or `giveUpAfterMs` is over.
   */
  insist<T>(call: () => Promise<T>): Promise<T>;
  /** Waits before try number `failures` + 1, and notes that a fault was seen. */
  pause(failures: number, fault?: RemoteError): Promise<void>;
  /** Notes that something happened after which orders need time to settle. */
  disturb(): void;
  /** When that was last, on the clock. */
  readonly disturbedAt: number;
  /** Tries that failed, by code. */
  readonly faults: ReadonlyMap<number, number>;
}

export function persistence({ clock, signal, giveUpAfterMs }: PersistenceOptions): Persistence {
  let disturbedAt = clock.now();
  const faults = new Map<number, number>();
  const disturb = () => {
    disturbedAt = clock.now();
  };

  const pause = async (failures: number, fault?: RemoteError) => {
    if (fault !== undefined) {
      disturb();
      faults.set(fault.code, (faults.get(fault.code) ?? 0) + 1);
    }
    const longest = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** failures);
    await clock.sleep(Math.max(fault?.retryAfterMs ?? 0, clock.random() * longest), signal);
  };

  return {
    async insist(call) {
      const giveUpAt = clock.now() + giveUpAfterMs;
      for (let failures = 0; ; failures++) {
        try {
          return await call();
        } catch (error) {
          if (signal.aborted || !isPassing(error) || clock.now() >= giveUpAt) throw error;
          await pause(failures, error);
        }
      }
    },
    pause,
    disturb,
    get disturbedAt() {
      return disturbedAt;
    },
    faults,
  };
}
