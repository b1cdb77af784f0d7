import { HealthDefinition } from "@holdfast/contracts/grpc/health/v1/health";
import { type Connected, connect, type Discovery, RemoteError, Status } from "@holdfast/rpc";
import type { Clock } from "./clock.ts";
import { InputError } from "../audit/input-error.ts";

/** A service that is being started again is back within this time. Unit: milliseconds. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 100;
const ATTEMPT_MS = 1_000;

interface Deps {
  discovery: Discovery;
  clock: Clock;
  signal: AbortSignal;
  /** Nobody named another target than that of `npm start`: then this is what may have been forgotten. @default false */
  isOfStack?: boolean;
  /** @default 5_000 */
  patienceMs?: number;
}

/**
 * Asks a service for its health, at whatever target a client can have. Any answer will do: who is about to start, or cannot
 * tell, is there.
 *
 * @throws {InputError} If the target is none, or nobody answers for 5 s.
 */
export async function assertReachable(
  name: string,
  target: string,
  { discovery, clock, signal, isOfStack = false, patienceMs = PATIENCE_MS }: Deps,
): Promise<void> {
  using health = healthAt(name, target, discovery);
  const giveUpAt = clock.now() + patienceMs;
  for (;;) {
    try {
      await health.check({ service: "" }, { signal });
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RemoteError)) throw error;
      if (error.code !== Status.UNAVAILABLE && error.code !== Status.DEADLINE_EXCEEDED) return;
      if (clock.now() >= giveUpAt) {
        const advice = isOfStack ? ` (start the stack with "npm start" first)` : "";
        throw new InputError(`Cannot reach ${name} at ${target}: ${error.message}${advice}`, { cause: error });
      }
    }
    await clock.sleep(RETRY_MS, signal);
  }
}

function healthAt(name: string, target: string, discovery: Discovery): Connected<typeof HealthDefinition> {
  if (!/^([a-z0-9]+:\S+|\S+:\d{1,5})$/.test(target)) {
    throw new InputError(`Cannot reach ${name} at "${target}": wanted is a name such as k8s:///x.y:grpc, or host:port`);
  }
  try {
    return connect(HealthDefinition, target, { discovery, timeoutMs: ATTEMPT_MS });
  } catch (error) {
    throw new InputError(`Cannot reach ${name}: ${(error as Error).message}`, { cause: error });
  }
}
