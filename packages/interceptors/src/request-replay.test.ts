// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type ReplayLimits, RequestReplay } from "./request-replay.ts";

/** An attempt that is written to; `written()` says that the last message is. */
class Wire {
  readonly got: unknown[] = [];
  readonly flags: (number | undefined)[] = [];
  ended = 0;
  written: () => void = () => undefined;
  readonly sync: boolean;

  constructor({ sync = false } = {}) {
    this.sync = sync;
  }

  sendMessageWithContext({ callback, flags }: { callback?: () => void; flags?: number }, message: unknown): void {
    this.got.push(message);
    this.flags.push(flags);
    this.written = callback ?? this.written;
    if (this.sync) callback?.();
  }

  halfClose(): void {
    this.ended += 1;
  }
}

function aReplay(limits: Partial<ReplayLimits> = {}) {
  const pool = { bytes: 0 };
  const errors: unknown[] = [];
  const all = { maxBufferBytesPerCall: 100, maxBufferBytesPerChannel: 1_000, pool, ...limits };
  return {
    pool,
    errors,
    replay: new RequestReplay(
      all,
      (text) => Buffer.from(String(text)),
      (error) => errors.push(error),
    ),
  };
}

describe("RequestReplay", () => {
  test("R7: sends everything again to the next attempt, in order, and ends it", () => {
    const { replay } = aReplay();
    const [first, second] = [new Wire({ sync: true }), new Wire({ sync: true })];
    replay.sendTo(first);
    replay.push({}, "a");
    replay.push({ flags: 2 }, "b");
    replay.sendTo(undefined);
    replay.push({}, "c");
    replay.halfClose();
    replay.sendTo(second);
    expect(first).toMatchObject({ got: ["a", "b"], ended: 0 });
    expect(second).toMatchObject({ got: ["a", "b", "c"], flags: [undefined, 2, undefined], ended: 1 });
  });

  test("R7: one message at a time; the end right after the last one", () => {
    const { replay } = aReplay();
    const wire = new Wire();
    replay.sendTo(wire);
    for (const message of ["a", "b"]) replay.push({}, message);
    replay.halfClose();
    expect(wire).toMatchObject({ got: ["a"], ended: 0 });
    wire.written();
    expect(wire).toMatchObject({ got: ["a", "b"], ended: 1 });
    wire.written();
    expect(wire).toMatchObject({ got: ["a", "b"], ended: 1 });
  });

  test("R7: the caller is told once that a message is written, by the first attempt that wrote it", () => {
    const { replay } = aReplay();
    const told: string[] = [];
    const [first, second] = [new Wire(), new Wire({ sync: true })];
    replay.sendTo(first);
    replay.push({ callback: () => told.push("a") }, "a");
    replay.push({ callback: () => told.push("b") }, "b");
    first.written();
    expect(told).toEqual(["a"]);
    replay.sendTo(second);
    expect(told).toEqual(["a", "b"]);
    first.written();
    expect(told).toEqual(["a", "b"]);
    expect(first.got).toEqual(["a", "b"]);
  });

  test("R7: counts the five bytes of each frame, and forgets all at the end", () => {
    const { replay, pool } = aReplay();
    replay.push({}, "12345");
    replay.push({}, "");
    replay.push({}, Buffer.alloc(10));
    expect(pool.bytes).toBe(10 + 5 + 15);
    replay.end();
    expect(pool.bytes).toBe(0);
  });

  test("R7: a call's limit is up to 100 bytes here; what overflows is sent, and nothing is kept", () => {
    const { replay, pool } = aReplay();
    const wire = new Wire({ sync: true });
    replay.sendTo(wire);
    expect(replay.push({}, "x".repeat(95))).toBe(true);
    expect(pool.bytes).toBe(100);
    expect(replay.push({}, "y")).toBe(false);
    expect(pool.bytes).toBe(0);
    expect(wire.got).toHaveLength(2);
    replay.push({}, "z".repeat(1_000));
    expect(pool.bytes).toBe(0);
    expect(wire.got).toHaveLength(3);
  });

  test("R7: the channel's limit counts what other calls keep", () => {
    const pool = { bytes: 950 };
    const { replay } = aReplay({ pool });
    expect(replay.push({}, "x".repeat(45))).toBe(true);
    expect(replay.push({}, "")).toBe(false);
    replay.end();
    expect(pool.bytes).toBe(950);
  });

  test("R7: what overflows between two attempts goes to the next one with all that came before", () => {
    const { replay, pool } = aReplay();
    replay.push({}, "x".repeat(90));
    expect(replay.push({}, "y".repeat(90))).toBe(false);
    expect(pool.bytes).toBe(95);
    const wire = new Wire({ sync: true });
    replay.sendTo(wire);
    expect(wire.got).toHaveLength(2);
    expect(pool.bytes).toBe(0);
  });

  test("R7: a commit forgets what was sent and keeps what was not", () => {
    const { replay, pool } = aReplay();
    const wire = new Wire();
    replay.sendTo(wire);
    replay.push({}, "12345");
    replay.push({}, "1");
    replay.commit();
    expect(pool.bytes).toBe(6);
    wire.written();
    expect(wire.got).toEqual(["12345", "1"]);
    expect(pool.bytes).toBe(0);
  });

  test("R7: a request of one message is not counted", () => {
    const pool = { bytes: 1_000 };
    const limits = { maxBufferBytesPerCall: 100, maxBufferBytesPerChannel: 1_000, pool };
    const replay = new RequestReplay(limits, undefined, () => undefined);
    expect(replay.push({}, "x".repeat(5_000))).toBe(true);
    const wire = new Wire();
    replay.sendTo(new Wire());
    replay.sendTo(wire);
    expect(wire.got).toHaveLength(1);
    expect(pool.bytes).toBe(1_000);
  });

  test("a caller that waits to write goes on when the call is over", () => {
    const { replay } = aReplay();
    const told: string[] = [];
    replay.sendTo(new Wire());
    replay.push({ callback: () => told.push("a") }, "a");
    replay.push({ callback: () => told.push("b") }, "b");
    replay.end();
    expect(told).toEqual(["a", "b"]);
  });

  test("hands over what a receiver or the serializer throws", () => {
    const { replay, errors } = aReplay();
    replay.push({}, "a");
    replay.sendTo({
      sendMessageWithContext: () => {
        throw new Error("of the receiver");
      },
      halfClose: () => undefined,
    });
    expect(errors).toEqual([new Error("of the receiver")]);
    const odd = {
      toString: () => {
        throw new Error("of the serializer");
      },
    };
    expect(replay.push({}, odd)).toBe(true);
    expect(errors).toHaveLength(2);
  });

  test("50,000 messages that are all written at once do not exhaust the stack", () => {
    const { replay } = aReplay({ maxBufferBytesPerCall: 1e9, maxBufferBytesPerChannel: 1e9 });
    for (let n = 0; n < 50_000; n++) replay.push({}, "");
    const wire = new Wire({ sync: true });
    replay.sendTo(wire);
    expect(wire.got).toHaveLength(50_000);
  });
});
