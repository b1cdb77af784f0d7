// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { PolicyReports, RecentCalls, type TargetReport } from "./report.ts";

describe("PolicyReports", () => {
  test("lists by target what is in use, and nothing of what is not", () => {
    const reports = new PolicyReports();
    const source = (target: string) => (): TargetReport => ({ target, endpoints: [], resolution: undefined });
    const [b, a] = [source("b"), source("a")];
    reports.add(b);
    reports.add(a);
    reports.add(a);
    expect(reports.list().map(({ target }) => target)).toEqual(["a", "b"]);
    reports.remove(a);
    expect(reports.list().map(({ target }) => target)).toEqual(["b"]);
  });
});

describe("RecentCalls", () => {
  test("counts the last ten seconds, which pass without a call too", () => {
    const recent = new RecentCalls();
    for (let second = 0; second < 20; second++) recent.add(100_000 + second * 1_000);
    expect(recent.total(119_000)).toBe(10);
    expect(recent.total(123_500)).toBe(6);
    expect(recent.total(130_000)).toBe(0);
  });
});
