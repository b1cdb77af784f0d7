import { afterEach, describe, expect, test, vi } from "vitest";
import type { Exit, Run } from "./run.ts";
import { StackError } from "./stack-error.ts";
import type { StackEvent } from "./stack-event.ts";
import { type Clock, supervise } from "./supervise.ts";

/** A process whose life the test decides about. */
function aRun(pid: number) {
  const exited = Promise.withResolvers<Exit>();
  const serving = Promise.withResolvers<void>();
  const signals: string[] = [];
  const end = (exit: Partial<Exit>) => {
    exited.resolve({ code: null, signal: null, ...exit });
    serving.reject(new StackError("ended before it served"));
  };
  const run: Run = {
    pid,
    serving: serving.promise,
    exited: exited.promise,
    kill(signal) {
      signals.push(signal);
      if (signal === "SIGTERM") end({ code: 0 });
      if (signal === "SIGKILL") end({ signal });
    },
  };
  serving.promise.catch(() => undefined);
  return { run, signals, end, serve: () => serving.resolve() };
}

/** Time that passes only where somebody waits for it. */
function aClock() {
  const waits: number[] = [];
  let now = 0;
  const clock: Clock = {
    now: () => now,
    async sleep(ms) {
      waits.push(ms);
      now += ms;
    },
  };
  return { clock, waits, pass: (ms: number) => (now += ms) };
}

interface Options {
  launch?: (life: number) => ReturnType<typeof aRun>;
  /** What each launch waits for. @default nothing */
  before?: Promise<void>;
  /** @default every pause is over at once */
  clock?: Pick<Clock, "sleep">;
}

/** A supervised process; `lives` holds what was launched, `events` what was told. */
function aSupervised(options: Options = {}) {
  const lives: ReturnType<typeof aRun>[] = [];
  const events: StackEvent[] = [];
  const time = aClock();
  const launched = new EventTarget();
  const supervised = supervise({
    name: "order",
    async launch() {
      await options.before;
      const life = options.launch?.(lives.length) ?? aRun(lives.length + 1);
      lives.push(life);
      launched.dispatchEvent(new Event("launched"));
      return life.run;
    },
    onEvent: (event) => events.push(event),
    clock: { ...time.clock, ...options.clock },
  });
  const life = async (number: number) => {
    while (lives.length < number) {
      await new Promise((resolve) => launched.addEventListener("launched", resolve, { once: true }));
    }
    const found = lives[number - 1];
    if (found === undefined) throw new Error(`there is no life ${number}`);
    return found;
  };
  return { supervised, lives, life, events, ...time };
}

/** A pause that only the end of the stack ends; resolves `begun` when it begins. */
function anEndlessPause() {
  const begun = Promise.withResolvers<void>();
  const sleep: Clock["sleep"] = (_, signal) => {
    begun.resolve();
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  return { begun: begun.promise, clock: { sleep } };
}

afterEach(() => void vi.useRealTimers());

describe("supervise()", () => {
  test("is ready when the process serves, and knows its id", async () => {
    const { supervised, life } = aSupervised();
    (await life(1)).serve();
    await supervised.ready();
    expect(supervised).toMatchObject({ pid: 1, restarts: 0 });
    await supervised.stop(100);
  });

  test("starts a killed process again and tells how it ended", async () => {
    const { supervised, life, events } = aSupervised();
    (await life(1)).serve();
    await supervised.ready();
    supervised.kill("SIGKILL");
    (await life(2)).serve();
    await supervised.ready();
    expect(supervised).toMatchObject({ pid: 2, restarts: 1 });
    expect(events).toContainEqual({ kind: "ended", process: "order", how: "SIGKILL", againInMs: 100 });
    expect(events.at(-1)).toMatchObject({ kind: "ready", again: true });
    await supervised.stop(100);
  });

  test("waits twice as long after each failure, up to 2 s", async () => {
    const { supervised, life, waits } = aSupervised();
    (await life(1)).serve();
    await supervised.ready();
    for (let number = 1; number <= 7; number++) (await life(number)).end({ code: 1 });
    await life(8);
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000]);
    await supervised.stop(100);
  });

  test("waits briefly again after a process that was well for 5 s", async () => {
    const { supervised, life, waits, pass } = aSupervised();
    (await life(1)).serve();
    await supervised.ready();
    (await life(1)).end({ code: 1 });
    (await life(2)).serve();
    await supervised.ready();
    pass(5_000);
    (await life(2)).end({ code: 1 });
    await life(3);
    expect(waits).toEqual([100, 100]);
    await supervised.stop(100);
  });

  test("gives up after three failures of a process that has never served", async () => {
    const { supervised, life } = aSupervised();
    for (let number = 1; number <= 3; number++) (await life(number)).end({ code: 1 });
    await expect(supervised.ready()).rejects.toBeInstanceOf(StackError);
    await supervised.stop(100);
  });

  test("gives up at once when the configuration is wrong", async () => {
    const { supervised, life, waits } = aSupervised();
    (await life(1)).end({ code: 78 });
    await expect(supervised.ready()).rejects.toBeInstanceOf(StackError);
    expect(waits).toEqual([]);
    await supervised.stop(100);
  });

  test("does not wait, nor count, when it is told to restart", async () => {
    const { supervised, life, waits } = aSupervised();
    (await life(1)).serve();
    await supervised.ready();
    const restarted = supervised.restart();
    (await life(2)).serve();
    await restarted;
    expect(supervised).toMatchObject({ pid: 2, restarts: 0 });
    expect(waits).toEqual([0]);
    await supervised.stop(100);
  });

  test("wakes a paused process to stop it, and does not start it again", async () => {
    const { supervised, life, events } = aSupervised();
    const { serve, signals } = await life(1);
    serve();
    await supervised.ready();
    supervised.pause();
    await supervised.stop(100);
    expect(signals).toEqual(["SIGSTOP", "SIGCONT", "SIGTERM"]);
    expect(events.at(-1)).toMatchObject({ kind: "stopped", how: "code 0" });
    expect(supervised.pid).toBeUndefined();
  });

  test("kills a process that does not stop in time", async () => {
    const stubborn = aRun(1);
    const kill = stubborn.run.kill.bind(stubborn.run);
    const { supervised, life, events } = aSupervised({
      launch: () => ({ ...stubborn, run: { ...stubborn.run, kill: (signal) => signal === "SIGKILL" && kill(signal) } }),
    });
    (await life(1)).serve();
    await supervised.ready();
    await supervised.stop(1);
    expect(events.at(-1)).toMatchObject({ kind: "stopped", how: "SIGKILL" });
  });

  test("does not start a process again that is stopped between two lives", async () => {
    const { begun, clock } = anEndlessPause();
    const { supervised, lives, life } = aSupervised({ clock });
    (await life(1)).serve();
    await supervised.ready();
    (await life(1)).end({ code: 1 });
    await begun;
    await supervised.stop(100);
    expect(lives).toHaveLength(1);
    await expect(supervised.ready()).rejects.toThrow("order is being stopped");
  });

  test("kills a process that is launched when the time to stop in is over", async () => {
    vi.useFakeTimers();
    const launching = Promise.withResolvers<void>();
    const { supervised, life } = aSupervised({ before: launching.promise });
    const stopped = supervised.stop(100);
    vi.advanceTimersByTime(100);
    launching.resolve();
    await stopped;
    expect((await life(1)).signals).toEqual(["SIGCONT", "SIGKILL"]);
  });
});

describe("supervise().end()", () => {
  test("kills the process at once, and for good", async () => {
    const { supervised, lives, life, events } = aSupervised();
    const { serve, signals } = await life(1);
    serve();
    await supervised.ready();
    supervised.end();
    await supervised.stop(100);
    expect(signals.slice(0, 2)).toEqual(["SIGCONT", "SIGKILL"]);
    expect(lives).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ kind: "stopped", how: "SIGKILL" });
  });

  test("cuts an orderly stop short", async () => {
    const stubborn = aRun(1);
    const kill = stubborn.run.kill.bind(stubborn.run);
    const { supervised, life, events } = aSupervised({
      launch: () => ({ ...stubborn, run: { ...stubborn.run, kill: (signal) => signal === "SIGKILL" && kill(signal) } }),
    });
    (await life(1)).serve();
    await supervised.ready();
    const stopped = supervised.stop(60_000);
    supervised.end();
    await stopped;
    expect(events.at(-1)).toMatchObject({ kind: "stopped", how: "SIGKILL" });
  });

  test("kills a process that is launched only then, even if it is to be stopped orderly", async () => {
    const launching = Promise.withResolvers<void>();
    const { supervised, life } = aSupervised({ before: launching.promise });
    supervised.end();
    const stopped = supervised.stop(60_000);
    launching.resolve();
    await stopped;
    expect((await life(1)).signals).toEqual(["SIGCONT", "SIGKILL"]);
  });
});
