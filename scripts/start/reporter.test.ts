import { describe, expect, test } from "vitest";
import { reporter } from "./reporter.ts";

describe("reporter()", () => {
  test("tells a killed process and its return in a line each", () => {
    let said = "";
    let now = 0;
    const report = reporter({ write: (text: string) => (said += text) }, () => now);
    report.ready();
    said = "";
    report.onEvent({ kind: "ended", process: "order", how: "SIGKILL", againInMs: 100 });
    report.onEvent({ kind: "started", process: "order", pid: 1 });
    report.onEvent({ kind: "ready", process: "order", again: true, elapsedMs: 640 });
    now = 10_000;
    report.stopping();
    now = 10_250;
    report.onEvent({ kind: "stopped", process: "order", how: "code 0", elapsedMs: 250 });
    report.end();
    expect(said.split("\n").map((line) => line.slice(8).trim())).toEqual([
      "order ended by SIGKILL, started again in 100 ms",
      "order started again (0.6 s)",
      "stopping; Ctrl-C once more ends everything at once",
      "order stopped (0.3 s)",
      "",
    ]);
  });
});
