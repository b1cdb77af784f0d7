// SPDX-License-Identifier: MIT
import { Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorInfo } from "../testing/error-info.ts";
import { type OutlierRecord, Outliers, type Verdict, verdictOf } from "./outlier.ts";

const START = 1_000_000;

function peers(count: number, random = () => 0): { outliers: Outliers; hosts: OutlierRecord[] } {
  const outliers = new Outliers({ random });
  return { outliers, hosts: Array.from({ length: count }, () => outliers.add()) };
}

function tell(outliers: Outliers, host: OutlierRecord, verdict: Verdict, times: number, now = START): void {
  for (let i = 0; i < times; i++) outliers.ended(host, verdict, now);
}

describe("verdictOf()", () => {
  test("S9: counts only what the infrastructure is to blame for", () => {
    const none = new Metadata();
    const verdicts = Object.entries(status)
      .filter((entry): entry is [string, status] => typeof entry[1] === "number")
      .map(([name, code]) => [name, verdictOf(code, none, 100)]);
    expect(Object.fromEntries(verdicts)).toEqual({
      OK: "success",
      CANCELLED: "ignored",
      UNKNOWN: "failure",
      INVALID_ARGUMENT: "success",
      DEADLINE_EXCEEDED: "failure",
      NOT_FOUND: "success",
      ALREADY_EXISTS: "success",
      PERMISSION_DENIED: "success",
      RESOURCE_EXHAUSTED: "ignored",
      FAILED_PRECONDITION: "success",
      ABORTED: "success",
      OUT_OF_RANGE: "success",
      UNIMPLEMENTED: "success",
      INTERNAL: "failure",
      UNAVAILABLE: "failure",
      DATA_LOSS: "failure",
      UNAUTHENTICATED: "success",
    });
  });

  test("S9: tells a server that sheds from a caller without quota, and one that drains from one that fails", () => {
    expect(verdictOf(status.RESOURCE_EXHAUSTED, errorInfo("OVERLOADED"), 1)).toBe("failure");
    expect(verdictOf(status.RESOURCE_EXHAUSTED, errorInfo("RATE_LIMITED"), 1)).toBe("ignored");
    expect(verdictOf(status.UNAVAILABLE, errorInfo("DRAINING"), 1)).toBe("draining");
    expect(verdictOf(status.UNAVAILABLE, errorInfo("OVERLOADED"), 1)).toBe("failure");
  });

  test("a deadline that nobody could have kept is nobody's failure", () => {
    expect(verdictOf(status.DEADLINE_EXCEEDED, undefined, 9)).toBe("ignored");
    expect(verdictOf(status.DEADLINE_EXCEEDED, undefined, 10)).toBe("failure");
  });
});

describe("Outliers", () => {
  test("S9: three failures in a row eject while the peers do well", () => {
    const { outliers, hosts } = peers(2);
    const [good, bad] = hosts as [OutlierRecord, OutlierRecord];
    tell(outliers, good, "success", 50);
    tell(outliers, bad, "success", 500);
    tell(outliers, bad, "failure", 2);
    expect(bad.ejected).toBe(false);
    tell(outliers, bad, "failure", 1);
    expect(bad.ejected).toBe(true);
  });

  test("S9: a method that fails everywhere ejects nobody", () => {
    const { outliers, hosts } = peers(3);
    for (let i = 0; i < 300; i++) {
      for (const host of hosts) tell(outliers, host, i % 10 < 7 ? "failure" : "success", 1, START + i * 10);
    }
    expect(hosts.map(({ ejections }) => ejections)).toEqual([0, 0, 0]);
  });

  test("S9: by rate, one that fails now and then where its peers do not", () => {
    const { outliers, hosts } = peers(2);
    const [good, bad] = hosts as [OutlierRecord, OutlierRecord];
    tell(outliers, good, "success", 20);
    for (let i = 0; i < 4; i++) {
      tell(outliers, bad, "success", 2);
      expect(bad.ejected).toBe(false);
      tell(outliers, bad, "failure", 1);
    }
    expect(bad.ejected).toBe(true);
  });

  test("S9: what happened more than five seconds ago is forgotten", () => {
    const { outliers, hosts } = peers(2);
    const [good, bad] = hosts as [OutlierRecord, OutlierRecord];
    tell(outliers, good, "success", 20, START + 6_000);
    tell(outliers, bad, "failure", 2);
    tell(outliers, bad, "success", 1);
    tell(outliers, bad, "failure", 2);
    tell(outliers, bad, "success", 1);
    expect(bad.totals(START + 6_000)).toEqual({ calls: 0, failures: 0 });
  });

  test.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
  ])("S9: of %i at most %i are ejected", (count, most) => {
    const { outliers, hosts } = peers(count);
    for (const host of hosts) tell(outliers, host, "failure", 100);
    expect(hosts.filter(({ ejected }) => ejected)).toHaveLength(most);
  });

  test("S9: one that is not connected does not make room for an ejection", () => {
    const { outliers, hosts } = peers(2);
    const [down, bad] = hosts as [OutlierRecord, OutlierRecord];
    down.inPlay = false;
    tell(outliers, bad, "failure", 100);
    expect(bad.ejected).toBe(false);
  });

  test("S9: ejected for 1 s, then 2 s, then 4 s at most; a trial that succeeds ends it", () => {
    const { outliers, hosts } = peers(2);
    const bad = hosts[1] as OutlierRecord;
    tell(outliers, bad, "failure", 3);
    let now = START;
    for (const ms of [1_000, 2_000, 4_000, 4_000]) {
      expect(outliers.trialDue(now + ms - 1)).toBeUndefined();
      now += ms;
      expect(outliers.trialDue(now)).toBe(bad);
      const trial = outliers.beginTrial(bad, now);
      expect(outliers.endTrial(bad, trial, "failure", now)).toBe(false);
    }
    now += 4_000;
    expect(outliers.trialDue(now)).toBe(bad);
    expect(outliers.endTrial(bad, outliers.beginTrial(bad, now), "success", now)).toBe(true);
    expect(bad.ejected).toBe(false);
    expect(outliers.trialDue(now + 60_000)).toBeUndefined();
  });

  test("S9: jitter only shortens", () => {
    const { outliers, hosts } = peers(2, () => 0.999);
    tell(outliers, hosts[1] as OutlierRecord, "failure", 3);
    expect(outliers.trialDue(START + 790)).toBeUndefined();
    expect(outliers.trialDue(START + 810)).toBe(hosts[1]);
  });

  test("S9: in good standing for 10 s, the next ejection is a first one", () => {
    const { outliers, hosts } = peers(2);
    const bad = hosts[1] as OutlierRecord;
    for (const [at, ms] of [
      [START, 1_000],
      [START + 5_000, 2_000],
      [START + 20_000, 1_000],
    ] as const) {
      tell(outliers, bad, "failure", 3, at);
      expect(bad.trialAt).toBe(at + ms);
      outliers.endTrial(bad, outliers.beginTrial(bad, at + ms), "success", at + ms);
    }
  });

  test("S9: one trial at a time; one that does not end stands in the way for 4 s", () => {
    const { outliers, hosts } = peers(2);
    const bad = hosts[1] as OutlierRecord;
    tell(outliers, bad, "failure", 3);
    const now = START + 1_000;
    expect(outliers.trialDue(now)).toBe(bad);
    const stuck = outliers.beginTrial(bad, now);
    expect(outliers.trialDue(now + 3_999)).toBeUndefined();
    expect(outliers.trialDue(now + 4_000)).toBe(bad);
    const trial = outliers.beginTrial(bad, now + 4_000);
    outliers.endTrial(bad, stuck, "failure", now + 4_001);
    expect(bad.ejections).toBe(1);
    expect(outliers.endTrial(bad, trial, "success", now + 4_002)).toBe(true);
  });

  test("S9: a trial that its caller cancelled is made again at once", () => {
    const { outliers, hosts } = peers(2);
    const bad = hosts[1] as OutlierRecord;
    tell(outliers, bad, "failure", 3);
    outliers.endTrial(bad, outliers.beginTrial(bad, START + 1_000), "ignored", START + 1_001);
    expect(outliers.trialDue(START + 1_001)).toBe(bad);
  });

  test("S9: a trial that was never started is made soon, and its end counts if it comes to it", () => {
    const { outliers, hosts } = peers(2);
    const bad = hosts[1] as OutlierRecord;
    tell(outliers, bad, "failure", 3);
    const first = outliers.beginTrial(bad, START + 1_000);
    outliers.postponeTrial(bad, first, START + 1_000);
    expect(outliers.trialDue(START + 1_099)).toBeUndefined();
    expect(outliers.trialDue(START + 1_100)).toBe(bad);
    outliers.beginTrial(bad, START + 1_100);
    outliers.postponeTrial(bad, first, START + 1_101);
    expect(outliers.trialDue(START + 2_000)).toBeUndefined();
    expect(outliers.endTrial(bad, first, "success", START + 2_000)).toBe(true);
    outliers.postponeTrial(bad, bad.trial, START + 2_001);
    expect(outliers.trialDue(START + 9_000)).toBeUndefined();
  });

  test("S9: one that has come back after a loss is tried as if it was ejected for the first time", () => {
    const { outliers, hosts } = peers(2);
    const bad = hosts[1] as OutlierRecord;
    outliers.returned(bad);
    expect(outliers.trialDue(START + 60_000)).toBeUndefined();
    tell(outliers, bad, "failure", 3);
    for (const at of [START + 1_000, START + 3_000]) {
      outliers.endTrial(bad, outliers.beginTrial(bad, at), "failure", at);
    }
    expect(bad.trialAt).toBe(START + 7_000);
    outliers.returned(bad);
    expect(outliers.trialDue(START + 3_999)).toBeUndefined();
    expect(outliers.trialDue(START + 4_000)).toBe(bad);
    expect(bad.ejected).toBe(true);
  });

  test("S9: calls that were under way when it was ejected change nothing", () => {
    const { outliers, hosts } = peers(4);
    const bad = hosts[1] as OutlierRecord;
    tell(outliers, bad, "failure", 3);
    const { trialAt } = bad;
    tell(outliers, bad, "failure", 20);
    tell(outliers, bad, "success", 1);
    expect(bad).toMatchObject({ ejected: true, ejections: 1, trialAt });
  });

  test("S9: one that cannot be tried now is asked for again as soon as it can", () => {
    const { outliers, hosts } = peers(4);
    const [, , silent, bad] = hosts as [OutlierRecord, OutlierRecord, OutlierRecord, OutlierRecord];
    tell(outliers, silent, "failure", 3);
    tell(outliers, bad, "failure", 3);
    silent.inPlay = false;
    expect(outliers.trialDue(START + 1_000)).toBe(bad);
    outliers.beginTrial(bad, START + 1_000);
    silent.inPlay = true;
    expect(outliers.trialDue(START + 1_100)).toBe(silent);
  });

  test("S9: whatever happens, at most half are ejected, and each gets a trial within 4 s", () => {
    const step = fc.record({
      host: fc.nat(4),
      verdict: fc.constantFrom<Verdict[]>("success", "failure"),
      ms: fc.nat(500),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { outliers, hosts } = peers(5);
        let now = START;
        for (const { host, verdict, ms } of steps) {
          now += ms;
          const due = outliers.trialDue(now);
          if (due) outliers.endTrial(due, outliers.beginTrial(due, now), verdict, now);
          outliers.ended(hosts[host] as OutlierRecord, verdict, now);
          expect(hosts.filter(({ ejected }) => ejected).length).toBeLessThanOrEqual(2);
          const waits = hosts.filter(({ ejected }) => ejected).map(({ trialAt }) => trialAt - now);
          expect(Math.max(0, ...waits)).toBeLessThanOrEqual(4_000);
        }
      }),
    );
  });
});
