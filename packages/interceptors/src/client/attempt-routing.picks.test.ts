// SPDX-License-Identifier: MIT
import { experimental, Metadata } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { attemptRouting, attemptsInFlight, type CallRoute, type Hosts, pickUntried } from "./attempt-routing.ts";

/** A child policy that offers these addresses in turn, and counts how often it was asked. */
function childOf(addresses: readonly string[]) {
  const child = { picks: 0, started: 0, pick };
  function pick(): experimental.PickResult {
    const address = addresses[child.picks++ % addresses.length];
    const subchannel = { getAddress: () => address } as experimental.SubchannelInterface;
    const { COMPLETE } = experimental.PickResultType;
    const onCallStarted = () => void (child.started += 1);
    return { pickResultType: COMPLETE, subchannel, status: null, onCallStarted, onCallEnded: null };
  }
  return child;
}

function hostsOf(addresses: readonly string[]): Hosts {
  return { size: addresses.length, hasOther: (tried) => addresses.some((address) => !tried.has(address)) };
}

function pickFor(call: CallRoute, child: experimental.Picker, hosts: Hosts, options = {}) {
  const metadata = new Metadata();
  const route = call.mark(metadata);
  const result = pickUntried(child, { metadata, extraPickInfo: {} }, hosts, options);
  return { route, result, metadata };
}

afterEach(() => expect(attemptsInFlight()).toBe(0));

describe("pickUntried()", () => {
  const { attempts } = attemptRouting();

  test("asks a child that never offers the untried host a bounded number of times, and takes the tried one", () => {
    const call = attempts.begin();
    const child = childOf(["a"]);
    const hosts = hostsOf(["a", "b", "c"]);
    pickFor(call, child, hosts);
    child.picks = 0;
    expect(pickFor(call, child, hosts).route.peer).toBe("a");
    expect(child.picks).toBe(1 + 6);
    call.end();
  });

  test("R18: tells the child which hosts have been tried, and nothing before the first", () => {
    const call = attempts.begin();
    const offered = ["a", "b", "c"];
    const child = childOf(offered);
    const told: unknown[] = [];
    const listening: experimental.Picker = {
      pick: ({ extraPickInfo }) => {
        told.push(extraPickInfo);
        return child.pick();
      },
    };
    for (let i = 0; i < offered.length; i++) pickFor(call, listening, hostsOf(offered));
    expect(told).toEqual([{}, { "holdfast-avoid": "a" }, { "holdfast-avoid": "a,b" }]);
    call.end();
  });

  test("R18: does not ask again a child that knows what to avoid", () => {
    const call = attempts.begin();
    const child = childOf(["a"]);
    const hosts = hostsOf(["a", "b"]);
    pickFor(call, child, hosts, { childAvoids: true });
    child.picks = 0;
    expect(pickFor(call, child, hosts, { childAvoids: true }).route.peer).toBe("a");
    expect(child.picks).toBe(1);
    call.end();
  });

  test("asks once when there is no untried host", () => {
    const call = attempts.begin();
    const child = childOf(["a"]);
    pickFor(call, child, hostsOf(["a"]));
    child.picks = 0;
    expect(pickFor(call, child, hostsOf(["a"])).route.peer).toBe("a");
    expect(child.picks).toBe(1);
    call.end();
  });

  test("keeps a choice when the child has no second one to offer", () => {
    const call = attempts.begin();
    const first = childOf(["a"]);
    const hosts = hostsOf(["a", "b"]);
    pickFor(call, first, hosts);
    const queue = new experimental.QueuePicker({ exitIdle: () => undefined } as experimental.LoadBalancer);
    const wavering = { pick: (args: experimental.PickArgs) => (first.picks++ === 1 ? first.pick() : queue.pick(args)) };
    expect(pickFor(call, wavering, hosts).route.peer).toBe("a");
    call.end();
  });

  test("R4: is sent once grpc-js has started it, not when it is picked; the child hears of it too", () => {
    const call = attempts.begin();
    const child = childOf(["a"]);
    const { route, result, metadata } = pickFor(call, child, hostsOf(["a"]));
    expect(metadata.toJSON()).toEqual({});
    expect(route.sent).toBe(false);
    result.onCallStarted?.();
    expect(route.sent).toBe(true);
    expect(child.started).toBe(1);
    call.end();
  });

  test("R18: two attempts that waited together are given to two hosts", () => {
    const call = attempts.begin();
    const hosts = hostsOf(["a", "b"]);
    const child = childOf(["a", "a", "b"]);
    expect(pickFor(call, child, hosts).route.peer).toBe("a");
    expect(pickFor(call, child, hosts).route.peer).toBe("b");
    call.end();
  });

  test("forgets a call that has ended", () => {
    const call = attempts.begin();
    const metadata = new Metadata();
    const route = call.mark(metadata);
    call.end();
    pickUntried(childOf(["a"]), { metadata, extraPickInfo: {} }, hostsOf(["a"]));
    expect(route).toMatchObject({ peer: undefined, sent: undefined });
  });
});
