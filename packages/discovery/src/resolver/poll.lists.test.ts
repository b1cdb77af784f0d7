// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { failure, list, none, startPoll } from "../testing/poll-harness.ts";
import type { Resolution } from "./endpoint-source.ts";

describe("Poll, S2: never an empty list", () => {
  test.each([
    ["NXDOMAIN or an empty answer", none, "no such name"],
    ["a failure", failure, "no answer in time"],
    ["a source that throws", new Error("broken"), "Error: broken"],
  ])("S2: keeps the last good list at %s, and says so", async (_, answer, note) => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(1_000);
    state.answer = answer;
    await pass(60_000);
    expect(state.heard).toEqual(["a"]);
    expect(state.events.at(-1)).toMatchObject({ kind: "kept", note, stale: false, endpoints: [{ weight: 1 }] });
  });

  test("S2: calls the list stale after five minutes, and keeps it", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(1_000);
    state.answer = none;
    await pass(320_000);
    expect(state.heard).toEqual(["a"]);
    const kept = state.events.filter((event) => event.kind === "kept");
    expect(kept.every(({ stale, ageMs }) => stale === ageMs > 300_000)).toBe(true);
    expect(kept.at(-1)).toMatchObject({ stale: true, endpoints: [{}] });
    state.answer = list("b");
    await pass(12_000);
    expect(state.heard).toEqual(["a", "b"]);
  });

  test("S2: requests do not hurry a look that keeps failing", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(100);
    state.answer = failure;
    await pass(30_000, () => poll.request());
    expect(state.looks).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 26_000]);
  });

  test("S2: after a failure it looks again sooner than the interval, and less and less often", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(9_000);
    state.answer = failure;
    await pass(30_000);
    expect(state.looks).toEqual([0, 10_000, 11_000, 13_000, 17_000, 25_000, 35_000]);
  });

  test("tells failures while nothing is known, and looks again after 250 ms, then up to every second", async () => {
    const { poll, state, pass } = startPoll();
    state.answer = none;
    poll.request();
    await pass(3_000);
    expect(state.looks).toEqual([0, 250, 750, 1_750, 2_750]);
    expect(state.heard).toEqual(Array<string>(5).fill("! no such name"));
    expect(state.events.at(-1)).toMatchObject({ kind: "failed", note: "no such name" });
    state.answer = list("a");
    await pass(1_000);
    expect(state.heard.at(-1)).toBe("a");
  });
});

describe("Poll, S3: changes only", () => {
  test("S3: hands on a list only when the set has changed, sorted, without doubles", async () => {
    const { poll, state, pass } = startPoll();
    for (const answer of ["b a", "a b", "b a a", "c a", "a c"]) {
      state.answer = list(answer);
      if (answer === "b a") poll.request();
      await pass(10_000);
    }
    expect(state.heard).toEqual(["a b", "a c"]);
    expect(state.events.map((event) => event.kind === "resolved" && event.changed).filter(Boolean)).toHaveLength(2);
  });

  test("S3: another weight is a change, another order of one instance's addresses is none", async () => {
    const { poll, state, pass } = startPoll();
    const of = (weight: number, ...hosts: string[]): Resolution => ({
      kind: "endpoints",
      endpoints: [{ addresses: hosts.map((host) => ({ host, port: 1 })), weight }],
      ttlMs: Infinity,
      note: "",
    });
    state.answer = of(1, "fd00::1", "10.0.0.1");
    poll.request();
    await pass(9_000);
    state.answer = of(1, "10.0.0.1", "fd00::1");
    await pass(10_000);
    expect(state.heard).toEqual(["10.0.0.1+fd00::1"]);
    state.answer = of(2, "10.0.0.1", "fd00::1");
    await pass(10_000);
    expect(state.heard).toHaveLength(2);
  });

  test("S3: offers a list again that was refused", async () => {
    const { poll, state, pass } = startPoll();
    state.accept = false;
    poll.request();
    await pass(1_500);
    expect(state.heard).toEqual(["a", "a"]);
    state.accept = true;
    await pass(60_000);
    expect(state.heard).toEqual(["a", "a", "a"]);
  });
});

describe("Poll.stop()", () => {
  test("hands on nothing afterwards, and leaves no timer", async () => {
    const { poll, state, clock, pass } = startPoll();
    poll.request();
    poll.stop();
    await pass(60_000);
    expect(state).toMatchObject({ looks: [0], aborted: 1, heard: [], events: [] });
    expect(clock.pending).toBe(0);
  });

  test("a later request begins anew, and hands on the list again, the old one when there is no better", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(1_000);
    poll.stop();
    poll.request();
    await pass(50);
    expect(state.heard).toEqual(["a", "a"]);
    poll.stop();
    state.answer = none;
    poll.request();
    await pass(50);
    expect(state.heard).toEqual(["a", "a", "a"]);
  });

  test("the first look after a rest begins at once, the next one no sooner than it may", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(100);
    poll.stop();
    poll.request();
    await pass(50);
    poll.refresh();
    await pass(1_000);
    expect(state.looks).toEqual([0, 100, 600]);
  });

  test("S2: after a rest with DNS silent the old list is handed on 100 ms after the request, once", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(1_000);
    poll.stop();
    await pass(290_000);
    state.answer = undefined;
    poll.request();
    await pass(50);
    expect(state.heard).toEqual(["a"]);
    await pass(50);
    expect(state.heard).toEqual(["a", "a"]);
    state.answer = list("a");
    await pass(30_000);
    expect(state.heard).toEqual(["a", "a"]);
  });

  test("after a rest the old list does not come before or after one that DNS gives soon", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(1_000);
    poll.stop();
    state.answer = list("b");
    poll.request();
    await pass(1_000);
    expect(state.heard).toEqual(["a", "b"]);
  });

  test("after a rest a stale list is handed on only when the look has come to nothing", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(1_000);
    poll.stop();
    await pass(300_000);
    state.answer = undefined;
    poll.request();
    await pass(9_950);
    expect(state.heard).toEqual(["a"]);
    await pass(200);
    expect(state.heard).toEqual(["a", "a"]);
  });

  test("a rest that ends for a moment only hands on nothing", async () => {
    const { poll, state, pass } = startPoll();
    poll.request();
    await pass(1_000);
    poll.stop();
    state.answer = undefined;
    poll.request();
    poll.stop();
    await pass(1_000);
    expect(state.heard).toEqual(["a"]);
  });

  test("an answer to a look from before counts for nothing", async () => {
    const { poll, state, pass } = startPoll();
    state.answer = list("old");
    poll.request();
    poll.stop();
    state.answer = list("new");
    poll.request();
    await pass(100);
    expect(state.heard).toEqual(["new"]);
  });
});
