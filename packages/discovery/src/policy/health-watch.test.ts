// SPDX-License-Identifier: MIT
import { type experimental, Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { HealthWatch } from "./health-watch.ts";

type Real = ReturnType<experimental.SubchannelInterface["getRealSubchannel"]>;
type Listener = Parameters<Real["createCall"]>[3];

/** A connection that keeps what is called over it. */
function fakeConnection() {
  const calls: { path: string; host: string; listener: Listener; sent: Buffer[]; cancelled: boolean }[] = [];
  const real = {
    up: true,
    createCall(_metadata: Metadata, host: string, path: string, listener: Listener) {
      if (!real.up) throw new Error("not READY");
      const call = { path, host, listener, sent: [] as Buffer[], cancelled: false };
      calls.push(call);
      return {
        startRead: () => undefined,
        halfClose: () => undefined,
        sendMessageWithContext: (_context: object, message: Buffer) => void call.sent.push(message),
        cancelWithStatus: () => void (call.cancelled = true),
      };
    },
  };
  const connection = { getRealSubchannel: () => real } as unknown as experimental.SubchannelInterface;
  return { calls, real, connection };
}

async function watching(service = "") {
  const clock = new ManualClock();
  const heard: boolean[] = [];
  const fake = fakeConnection();
  const options = {
    service,
    authority: "svc",
    clock,
    random: () => 0.5,
    onHealth: (is: boolean) => void heard.push(is),
  };
  const watch = new HealthWatch(fake.connection, options);
  await Promise.resolve();
  const last = () => {
    const call = fake.calls.at(-1);
    if (call === undefined) throw new Error("No call was made");
    return call;
  };
  return {
    ...fake,
    clock,
    heard,
    watch,
    last,
    say: (serving: number) => last().listener.onReceiveMessage(Buffer.from([0, 0, 0, 0, 2, 8, serving])),
    end: (code: status) => last().listener.onReceiveStatus({ code, details: "", metadata: new Metadata() }),
  };
}

describe("HealthWatch", () => {
  test("asks for the service by name, and says what it hears", async () => {
    const { last, say, heard } = await watching("type.order.v1");
    expect(last()).toMatchObject({ path: "/grpc.health.v1.Health/Watch", host: "svc" });
    expect(last().sent[0]?.toString("latin1")).toBe("\0\0\0\0\x0f\x0a\x0dtype.order.v1");
    for (const serving of [1, 2, 3, 0, 1]) say(serving);
    expect(heard).toEqual([true, false, false, false, true]);
  });

  test("a server without health is healthy for good", async () => {
    const { end, heard, clock, calls } = await watching();
    end(status.UNIMPLEMENTED);
    clock.advance(60_000);
    expect(heard.at(-1)).toBe(true);
    expect(calls).toHaveLength(1);
  });

  test("opens a stream that ends again, ever later up to 4 s; what was said holds", async () => {
    const { end, say, heard, clock, calls } = await watching();
    say(2);
    for (const [i, ms] of [250, 500, 1_000, 2_000, 4_000, 4_000].entries()) {
      end(status.UNAVAILABLE);
      clock.advance(ms - 1);
      expect(calls).toHaveLength(i + 1);
      clock.advance(1);
      expect(calls).toHaveLength(i + 2);
    }
    expect(heard).toEqual([false]);
    say(1);
    end(status.UNAVAILABLE);
    clock.advance(250);
    expect(calls).toHaveLength(8);
  });

  test("fails open: without an answer for a second, or with an error for one", async () => {
    const quiet = await watching();
    quiet.clock.advance(999);
    expect(quiet.heard).toEqual([]);
    quiet.clock.advance(1);
    expect(quiet.heard).toEqual([true]);
    const refused = await watching();
    refused.end(status.UNAUTHENTICATED);
    expect(refused.heard).toEqual([true]);
  });

  test("says nothing after it is closed, and leaves neither call nor timer", async () => {
    const { watch, say, heard, clock, last } = await watching();
    watch.close();
    expect(last().cancelled).toBe(true);
    say(2);
    expect(heard).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("does not open the stream while grpc-js is still telling of READY", () => {
    const { connection, calls } = fakeConnection();
    const options = {
      service: "",
      authority: "svc",
      clock: new ManualClock(),
      random: () => 0,
      onHealth: () => undefined,
    };
    new HealthWatch(connection, options).close();
    expect(calls).toEqual([]);
  });

  test("a connection that goes before the stream is opened costs nothing", async () => {
    const { real, end, clock, calls } = await watching();
    real.up = false;
    end(status.UNAVAILABLE);
    clock.advance(250);
    real.up = true;
    clock.advance(500);
    expect(calls).toHaveLength(2);
  });
});
