import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { report } from "../long/report.ts";
import { docker } from "../support/docker.ts";
import { until } from "../support/npm-start.ts";
import { ComposeStack, CONTAINERS } from "./compose-stack.ts";

const FROZEN_MS = 10_000;
/** Between two faults, for what the one before has left to do. */
const PAUSE_MS = 3_000;
/** An order ends within this time after the last fault. */
const TERMINAL_MS = 30_000;
/** A trading day in four minutes, longer than all faults together take. */
const SPEED_UP = "150";

const FAULTS: Record<string, (container: string) => Promise<unknown>> = {
  killed: async (container) => {
    await docker(["kill", container]);
    await sleep(1_000);
    // Docker takes a kill for a wish, and does not start it again by itself.
    await docker(["start", container]);
  },
  frozen: async (container) => {
    await docker(["pause", container]);
    await sleep(FROZEN_MS);
    await docker(["unpause", container]);
  },
  restarted: (container) => docker(["restart", container]),
};

const UNFINISHED = "select count(*) from orders where state not in ('CONFIRMED', 'CANCELLED')";

describe.skipIf(inject("containers").missing !== undefined)("a replay of a day", () => {
  const stack = new ComposeStack(inject("containers").project);

  beforeAll(() => stack.up(), 60_000);

  test("with each container in turn killed, frozen and restarted: every order ends, the books agree", async () => {
    const args = ["run", "--rm", "-T", "replay", "/data/2010-12-01.csv", "--speed-up", SPEED_UP, "--concurrency", "8"];
    let over = false;
    const replay = stack.compose(args, 900_000).finally(() => {
      over = true;
    });
    // What it says is asserted below; a failure before that must not be one that nobody handles.
    replay.catch(() => undefined);
    await until(async () => over || Number(await stack.query("order", "select count(*) from orders")) > 0);
    let faults = 0;
    for (const service of CONTAINERS) {
      for (const fault of Object.values(FAULTS)) {
        await fault(stack.container(service));
        await sleep(PAUSE_MS);
        faults += 1;
      }
    }
    const overTooSoon = over;
    const since = new Date();
    const began = performance.now();
    const older = `${UNFINISHED} and create_time < '${since.toISOString()}'`;
    await until(async () => Number(await stack.query("order", older)) === 0);
    const terminalMs = performance.now() - began;
    const output = await replay;
    report("faults in containers", {
      faults,
      "all orders terminal after s": Math.round(terminalMs / 100) / 10,
      audit: output.split("\n").at(-1) ?? "",
    });
    expect(overTooSoon).toBe(false);
    expect(terminalMs).toBeLessThan(TERMINAL_MS);
    expect(output).toMatch(/violations 0$/);
    expect(await stack.query("order", UNFINISHED)).toBe("0");
  }, 1_200_000);
});
