// SPDX-License-Identifier: MIT
import { type ChannelOptions, connectivityState, type experimental } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { Connection } from "./connection.ts";

/** What the pool hands out: a new one each time, as after ten seconds without use. */
class FakeSubchannel {
  readonly listeners = new Set<experimental.ConnectivityStateListener>();
  state = connectivityState.IDLE;
  addConnectivityStateListener = (listener: experimental.ConnectivityStateListener) => this.listeners.add(listener);
  removeConnectivityStateListener = (listener: experimental.ConnectivityStateListener) =>
    this.listeners.delete(listener);
  getConnectivityState = () => this.state;
  getRealSubchannel = () => this;
  realSubchannelEquals = (other: unknown) => other === this;
  getAddress = () => "127.0.0.1:1";
  isHealthy = () => true;
  ref = () => undefined;
  unref = this.ref;
  startConnecting = this.ref;
  addHealthStateWatcher = this.ref;
  removeHealthStateWatcher = this.ref;
  getChannelzRef = this.ref;

  become(state: connectivityState): void {
    const before = this.state;
    this.state = state;
    for (const listener of this.listeners) listener(this.asReal(), before, state, 0);
  }

  asReal(): experimental.SubchannelInterface {
    return this as unknown as experimental.SubchannelInterface;
  }
}

function connection(options: ChannelOptions) {
  const clock = new ManualClock();
  const subchannels: FakeSubchannel[] = [];
  const helper: experimental.ChannelControlHelper = {
    createSubchannel: () => {
      const subchannel = new FakeSubchannel();
      subchannels.push(subchannel);
      return subchannel.asReal();
    },
    updateState: () => undefined,
    requestReresolution: () => undefined,
    addChannelzChild: () => undefined,
    removeChannelzChild: () => undefined,
  };
  const endpoint = { addresses: [{ host: "127.0.0.1", port: 1 }] };
  const context = { helper, options, note: "", clock, connectTimeoutMs: 2_000 };
  const made = new Connection(endpoint, false, context, { onState: () => undefined, onStuck: () => undefined });
  made.start();
  return {
    clock,
    made,
    subchannels,
    /** Connects and is lost; how long the next attempt then waits. */
    pauseAfter(upMs: number): number {
      const subchannel = subchannels.at(-1);
      const count = subchannels.length;
      subchannel?.become(connectivityState.READY);
      clock.advance(upMs);
      subchannel?.become(connectivityState.IDLE);
      let waited = 0;
      for (; subchannels.length === count && waited < 10_000; waited += 10) clock.advance(10);
      return waited;
    },
    [Symbol.dispose]: () => made.close(),
  };
}

test("waits ever longer while its connections are lost soon, from the second on, and not after one that was up for a second", () => {
  using usual = connection({});
  expect([0, 0, 999, 0, 0, 0].map((upMs) => usual.pauseAfter(upMs))).toEqual([0, 200, 400, 800, 1_600, 3_000]);
  expect([1_000, 0, 0].map((upMs) => usual.pauseAfter(upMs))).toEqual([0, 0, 200]);
});

test("waits as the channel's options say", () => {
  const options = { "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 250 };
  using quick = connection(options);
  expect([0, 0, 0, 0].map((upMs) => quick.pauseAfter(upMs))).toEqual([0, 100, 200, 250]);
});

test("says why while it waits", () => {
  using usual = connection({});
  usual.pauseAfter(0);
  const second = usual.subchannels.at(-1);
  second?.become(connectivityState.READY);
  usual.clock.advance(20);
  second?.become(connectivityState.IDLE);
  expect(usual.made).toMatchObject({ pausing: true, error: "lost 20 ms after it was up, next attempt in 200 ms" });
  usual.clock.advance(200);
  expect(usual.made.pausing).toBe(false);
});

test("listens to nobody but those that it may get", () => {
  using usual = connection({});
  usual.pauseAfter(0);
  const listened = () => usual.subchannels.map(({ listeners }) => listeners.size > 0);
  usual.subchannels[1]?.become(connectivityState.READY);
  usual.subchannels[1]?.become(connectivityState.IDLE);
  expect(listened()).toEqual([false, false]);
  usual.clock.advance(200);
  expect(listened()).toEqual([false, false, true]);
  usual.made.close();
  expect(listened()).toEqual([false, false, false]);
});
