import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { report } from "../long/report.ts";
import { until } from "../support/npm-start.ts";
import { rollingLoad } from "../support/rolling-load.ts";
import { ComposeStack } from "./compose-stack.ts";
import type { LoadReport } from "./load-report.ts";
import { secondsSince } from "./seconds-since.ts";

const TARGETS = { payment: "127.0.0.1:50051", product: "127.0.0.1:50052", order: "127.0.0.1:50053" };

describe.skipIf(inject("containers").missing !== undefined)("the stack in containers, under load", () => {
  const stack = new ComposeStack(inject("containers").project);
  const figures: Record<string, string | number> = {};
  beforeAll(() => stack.up(), 60_000);
  afterAll(() => report("containers under load", figures));

  test("scaled to three, each has its share within 10 s; back to one, not one call fails", async () => {
    let last: LoadReport = { calls: 0, errors: [], byAddress: {} };
    const history: { at: number; byAddress: LoadReport["byAddress"] }[] = [];
    await stack.compose(["up", "--detach", "--force-recreate", "--no-deps", "load"]);
    try {
      using _ = stack.follow("load", (line) => {
        last = JSON.parse(line) as LoadReport;
        history.push({ at: Date.now(), byAddress: last.byAddress });
      });
      await until(() => last.calls >= 200);
      await stack.compose(["up", "--detach", "--scale", "payment=3"]);
      const started = await stack.startedAt("payment", 3);
      await until(() => evenSince(history, started) !== undefined);
      const evenMs = (evenSince(history, started) ?? Infinity) - started;
      figures["even shares of three after s"] = evenMs / 1_000;
      expect(evenMs).toBeLessThan(10_000);
      await sleep(5_000);
      await stack.compose(["up", "--detach", "--scale", "payment=1"]);
      const before = last.calls;
      await until(() => last.calls >= before + 1_000);
      figures["calls while scaled"] = last.calls;
      figures["calls that failed while scaled"] = last.errors.length;
      expect(last.errors).toEqual([]);
    } finally {
      await stack.compose(["rm", "--force", "--stop", "load"]);
    }
  });

  test("order is replaced under load: no unary call fails, streams go on without a gap", async () => {
    const rates = { getProduct: 20, getOrder: 40, status: 10, createOrder: 5, slowCharge: 0 };
    const load = await rollingLoad({ targets: TARGETS, rates, waitForReady: true });
    const rounds = 3;
    for (let round = 0; round < rounds; round += 1) {
      await sleep(3_000);
      const replacing = performance.now();
      // Built anew it would be the same image, and nothing would be replaced.
      await stack.compose(["up", "--detach", "--no-deps", "--build", "--force-recreate", "order"], 300_000);
      figures["order replaced in s"] = secondsSince(replacing);
    }
    await sleep(5_000);
    await load.stop();
    figures["calls while order was replaced"] = load.calls;
    figures["streams resumed"] = load.streams.resumed;
    expect(load.failures).toEqual([]);
    expect(load.streams.wrong).toEqual([]);
    expect(load.streams.resumed).toBeGreaterThanOrEqual(20);
  });
});

/** When, since `from`, each of three had 0.8 to 1.2 of the mean for three seconds to come; undefined: not yet. */
function evenSince(
  history: readonly { at: number; byAddress: LoadReport["byAddress"] }[],
  from: number,
): number | undefined {
  for (const [index, begin] of history.entries()) {
    const end = history[index + 3];
    if (begin.at < from || end === undefined) continue;
    const calls = Object.entries(end.byAddress).map(([address, count]) => count - (begin.byAddress[address] ?? 0));
    const mean = calls.reduce((sum, each) => sum + each, 0) / 3;
    if (calls.length === 3 && calls.every((each) => each >= 0.8 * mean && each <= 1.2 * mean)) return begin.at;
  }
  return undefined;
}
