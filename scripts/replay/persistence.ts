import type { RemoteError } from "@holdfast/rpc";
import type { Clock } from "./clock.ts";
import { isPassing } from "./is-passing.ts";

const BASE_DELAY_MS = 100;
const MAX_DELAY_MS = 2_000;

export interface PersistenceOptions {
  clock: Clock;
  signal: AbortSignal;
  /** How long a call is repeated, and how long an outage may last. Unit: milliseconds. */
  giveUpAfterMs: number;
}

/** Repeats calls while services come and go, and knows when the last fault was seen. */
export interface Persistence {
  /**
   * Runs the call until it succeeds, with full jitter between the tries. The call must be idempotent.
   *
   * @throws What the call throws, if that will not pass, or has not for `giveUpAfterMs`.
   */
  insist<T>(call: () => Promise<T>): Promise<T>;
  /** Waits before try number `failures` + 1, and notes a fault that was seen. */
  pause(failures: number, fault?: RemoteError): Promise<void>;
  /** Notes that a service has answered. */
  succeeded(): void;
  /** Notes that something happened after which orders need time to settle. */
  disturb(): void;
  /** When that was last, on the clock. */
  readonly disturbedAt: number;
  /** Whether nothing but faults was seen for `giveUpAfterMs`: then each further call is tried once. */
  readonly hopeless: boolean;
  /** Tries that failed, by code. */
  readonly faults: ReadonlyMap<number, number>;
}

export function persistence({ clock, signal, giveUpAfterMs }: PersistenceOptions): Persistence {
  let disturbedAt = clock.now();
  let awaySince: number | undefined;
  const faults = new Map<number, number>();
  const isOver = (since: number | undefined) => since !== undefined && clock.now() >= since + giveUpAfterMs;

  const disturb = () => {
    disturbedAt = clock.now();
  };
  const succeeded = () => {
    awaySince = undefined;
  };
  const note = (fault: RemoteError) => {
    disturb();
    awaySince ??= clock.now();
    faults.set(fault.code, (faults.get(fault.code) ?? 0) + 1);
  };
  const pause = async (failures: number, fault?: RemoteError) => {
    if (fault !== undefined) note(fault);
    const longest = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** failures);
    await clock.sleep(Math.max(fault?.retryAfterMs ?? 0, clock.random() * longest), signal);
  };

  return {
    async insist(call) {
      const startedAt = clock.now();
      for (let failures = 0; ; failures++) {
        try {
          const result = await call();
          succeeded();
          return result;
        } catch (error) {
          if (signal.aborted || !isPassing(error) || isOver(startedAt) || isOver(awaySince)) throw error;
          await pause(failures, error);
        }
      }
    },
    pause,
    succeeded,
    disturb,
    get disturbedAt() {
      return disturbedAt;
    },
    get hopeless() {
      return isOver(awaySince);
    },
    faults,
  };
}
