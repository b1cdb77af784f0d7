import { setTimeout as sleep } from "node:timers/promises";
import { describeExit, type Run } from "./run.ts";
import type { StackEvent } from "./stack-event.ts";

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 2_000;
/** A process that has served this long was well: the next failure is a first one. */
const WELL_AFTER_MS = 5_000;
/** Failures before it has ever served: what does not start three times does not start. */
const START_ATTEMPTS = 3;
/** EX_CONFIG: the same configuration will not do the next time either. */
const WRONG_CONFIGURATION = 78;

export interface SuperviseOptions {
  name: string;
  /** Starts the process. If even this fails at the first start, nothing is tried again. */
  launch: (stopping: AbortSignal) => Promise<Run>;
  /** Asks it to end orderly. @default "SIGTERM" */
  stopSignal?: NodeJS.Signals;
  /** Ends it at once. @default "SIGKILL" */
  endSignal?: NodeJS.Signals;
  onEvent: (event: StackEvent) => void;
  /** @default the system's */
  clock?: Clock;
}

/** Time, as an argument. */
export interface Clock {
  /** Milliseconds that only grow. */
  now(): number;
  /** Rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** A process that is started again whenever it ends. */
export interface Supervised {
  readonly name: string;
  /** `undefined` while it is down. */
  readonly pid: number | undefined;
  /** How often it was started again after it had ended without being told to. */
  readonly restarts: number;
  /** Resolves when it serves, which it may do already. @throws {StackError} If it could not be started even once. */
  ready(): Promise<void>;
  /** Sends a signal that ends it; `ready()` then means the next life. */
  kill(signal: NodeJS.Signals): void;
  /** Freezes it, as a machine that has no time for it would. */
  pause(): void;
  resume(): void;
  /** Ends it orderly, starts it again and resolves when it serves. */
  restart(): Promise<void>;
  /** Ends it for good: orderly, by force after `withinMs`. Resolves when it has ended. */
  stop(withinMs: number): Promise<void>;
  /** Ends it for good and by force, also where `stop` still waits. */
  end(): void;
}

/** Runs a process for as long as the stack runs: starts it again after 100 ms, later after up to 2 s. */
export function supervise(options: SuperviseOptions): Supervised {
  const { name, launch, stopSignal = "SIGTERM", endSignal = "SIGKILL", onEvent, clock = systemClock } = options;
  const stopping = new AbortController();
  let run: Run | undefined;
  let restarts = 0;
  let asked = false;
  let everServed = false;
  let serving = false;
  let forced = false;
  let stoppingSince = 0;
  let readiness = newReadiness();

  const enterServing = (elapsedMs: number) => {
    onEvent({ kind: "ready", process: name, again: everServed, elapsedMs });
    everServed = true;
    serving = true;
    readiness.resolve();
  };
  const leaveServing = () => {
    if (serving) readiness = newReadiness();
    serving = false;
  };
  const tellToEnd = () => {
    run?.kill("SIGCONT"); // a paused one would not hear of it
    run?.kill(forced ? endSignal : stopSignal);
  };
  const end = ({ byForce }: { byForce: boolean }) => {
    if (!stopping.signal.aborted) stoppingSince = clock.now();
    forced ||= byForce;
    stopping.abort(new Error(`${name} is being stopped`));
    tellToEnd();
  };

  /** Starts it once, and resolves when it has ended. */
  async function live(): Promise<Life> {
    const started = clock.now();
    let servingSince = Infinity;
    try {
      run = await launch(stopping.signal);
    } catch (error) {
      return { how: (error as Error).message, error, hopeless: true, servedMs: 0 };
    }
    onEvent({ kind: "started", process: name, pid: run.pid });
    if (stopping.signal.aborted) tellToEnd(); // asked to stop when there was nothing to stop yet
    let error: unknown;
    try {
      await run.serving;
      servingSince = clock.now();
      if (!stopping.signal.aborted) enterServing(servingSince - started);
    } catch (failure) {
      error = failure;
    }
    const exit = await run.exited;
    run = undefined;
    leaveServing();
    const servedMs = Math.max(clock.now() - servingSince, 0);
    const hopeless = exit.code === WRONG_CONFIGURATION;
    const elapsedMs = clock.now() - stoppingSince;
    if (stopping.signal.aborted) onEvent({ kind: "stopped", process: name, how: describeExit(exit), elapsedMs });
    return { how: describeExit(exit), error, hopeless, servedMs };
  }

  async function keepAlive(): Promise<void> {
    for (let failures = 1; ; failures++) {
      const { how, error, hopeless, servedMs } = await live();
      if (stopping.signal.aborted) return readiness.reject(stopping.signal.reason);
      if (!everServed && (hopeless || failures >= START_ATTEMPTS)) return readiness.reject(error);
      if (servedMs >= WELL_AFTER_MS) failures = 1;
      const againInMs = asked ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));
      if (asked) {
        failures = 0;
      } else {
        restarts += 1;
        onEvent({ kind: "ended", process: name, how, againInMs });
      }
      asked = false;
      await clock.sleep(againInMs, stopping.signal).catch(() => undefined); // told below
      if (stopping.signal.aborted) return readiness.reject(stopping.signal.reason);
    }
  }

  const finished = keepAlive();
  return {
    name,
    get pid() {
      return run?.pid;
    },
    get restarts() {
      return restarts;
    },
    ready: () => readiness.promise,
    kill(signal) {
      leaveServing();
      run?.kill(signal);
    },
    pause: () => run?.kill("SIGSTOP"),
    resume: () => run?.kill("SIGCONT"),
    async restart() {
      leaveServing();
      asked = run !== undefined;
      tellToEnd();
      await readiness.promise;
    },
    async stop(withinMs) {
      end({ byForce: false });
      const timer = setTimeout(() => end({ byForce: true }), withinMs);
      await finished;
      clearTimeout(timer);
    },
    end: () => end({ byForce: true }),
  };
}

/** What became of one life. */
interface Life {
  readonly how: string;
  /** Why it never served. */
  readonly error: unknown;
  /** Trying again will not help. */
  readonly hopeless: boolean;
  readonly servedMs: number;
}

const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};

function newReadiness(): PromiseWithResolvers<void> {
  const readiness = Promise.withResolvers<void>();
  readiness.promise.catch(() => undefined); // whoever asks for it hears of it
  return readiness;
}
