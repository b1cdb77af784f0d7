import { constants } from "node:os";
import type { Logger } from "./logger.ts";

export interface LifecycleOptions {
  log: Logger;
  /** Longest time for all drain steps together; then the process ends with code 1. Unit: milliseconds. */
  drainMs: number;
  /**
   * A signal this soon after the first is the same wish: a terminal sends Ctrl-C to the whole process group, and npm
   * and launchers pass it on once more. Unit: milliseconds. @default 200
   */
  sameSignalMs?: number;
  /** EXIT_WITH_PARENT=1: drain when the launcher is gone. @default process.env */
  env?: Readonly<Record<string, string | undefined>>;
}

export interface Lifecycle {
  /** Aborts when the drain starts: for loops and waits that should end by themselves. */
  readonly signal: AbortSignal;
  /** Adds a step to the drain. Steps run one after the other, the last one added first. */
  onDrain(name: string, step: () => void | PromiseLike<void>): void;
  /** Says that the program serves: a log line, and `{ type: "ready", ...info }` to a launcher that listens by IPC. */
  ready(info?: Readonly<Record<string, unknown>>): void;
}

/**
 * Runs the process until SIGTERM, SIGINT or the end of its launcher, then drains and exits: 0 when every step went well,
 * 1 when one failed or `drainMs` passed. A second signal ends the process at once (128 + signal number). What nobody
 * caught is logged and ends the process with 1: state that nobody understands must not go on serving.
 */
export function runUntilSignal({ log, drainMs, sameSignalMs = 200, env = process.env }: LifecycleOptions): Lifecycle {
  const steps: { name: string; step: () => void | PromiseLike<void> }[] = [];
  const draining = new AbortController();
  let drainStarted = 0;

  async function drain(reason: string): Promise<void> {
    if (draining.signal.aborted) return;
    drainStarted = performance.now();
    log.info({ reason, drainMs }, "drain started");
    let hangs = "";
    setTimeout(() => {
      const notBegun = steps.map(({ name }) => name).toReversed();
      log.error({ drainMs, hangs, notBegun }, "drain took too long");
      process.exit(1);
    }, drainMs);
    draining.abort(new Error(`draining: ${reason}`));
    let exitCode = 0;
    // Asks for the last one each time: a start that is still going on adds steps meanwhile.
    for (let last = steps.pop(); last !== undefined; last = steps.pop()) {
      hangs = last.name;
      try {
        await last.step();
      } catch (err) {
        exitCode = 1;
        log.error({ err, step: last.name }, "drain step failed");
      }
    }
    log.info({ elapsedMs: Math.round(performance.now() - drainStarted), exitCode }, "drain ended");
    process.exit(exitCode);
  }

  const onSignal = (name: "SIGTERM" | "SIGINT"): void => {
    if (!draining.signal.aborted) {
      void drain(name);
      return;
    }
    if (performance.now() - drainStarted < sameSignalMs) return;
    log.warn({ signal: name }, "second signal, exit at once");
    process.exit(128 + constants.signals[name]);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);

  const onBug = (err: unknown, origin: string) => {
    log.fatal({ err, origin }, "nobody caught this");
    process.exit(1);
  };
  process.on("uncaughtException", onBug);
  process.on("unhandledRejection", (err) => onBug(err, "unhandledRejection"));

  if (env["EXIT_WITH_PARENT"] === "1") onParentEnd(() => void drain("the launcher ended"));

  return {
    signal: draining.signal,
    onDrain: (name, step) => void steps.push({ name, step }),
    ready(info = {}) {
      log.info(info, "ready");
      process.send?.({ type: "ready", ...info }, (err: Error | null) => {
        if (err !== null) log.warn({ err }, "the launcher does not hear that this process is ready");
      });
    },
  };
}

/** A launcher that dies, even by SIGKILL, closes its ends of the IPC channel and of stdin: no orphan stays behind. */
function onParentEnd(ended: () => void): void {
  if (process.channel !== undefined) {
    process.once("disconnect", ended);
    return;
  }
  process.stdin.once("end", ended).once("close", ended).once("error", ended).resume();
}
