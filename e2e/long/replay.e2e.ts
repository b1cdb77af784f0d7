import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { readEffects } from "@holdfast/payment-provider/read-effects";
import { describe, expect, test } from "vitest";
import { treeMb } from "./memory-of.ts";
import { report } from "./report.ts";
import { type StartedSystem, startedSystem } from "./started-system.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "data/online-retail");
const days = readdirSync(folder)
  .filter((name) => name.endsWith(".csv"))
  .map((name) => join(folder, name));

/** Replays both days to their end. @returns Exit code and what was printed. */
function replay(system: StartedSystem, ...args: string[]): Promise<{ code: number; printed: string }> {
  const command = ["scripts/replay/main.ts", ...days, "--folder", system.folder, ...args];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, command, { cwd: root, maxBuffer: 1 << 26 }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, printed: stdout + stderr }),
    );
  });
}

/** Captures of each order, as the provider has them in its own file. */
async function capturesByOrder(system: StartedSystem): Promise<Map<string, number>> {
  const { providerFile } = await system.current();
  const captures = new Map<string, number>();
  for await (const effect of readEffects(providerFile)) {
    if (effect.type === "capture") captures.set(effect.order_id, (captures.get(effect.order_id) ?? 0) + 1);
  }
  return captures;
}

describe("a replay of both days", () => {
  test("ends every invoice, adds up, and fits in memory", async () => {
    await using system = await startedSystem();
    let peakMb = 0;
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const running = replay(system, "--speed-up", "max").finally(end);
    while (!(await Promise.race([over.then(() => true), wait(500, false)]))) {
      peakMb = Math.max(peakMb, await treeMb(system.pid));
    }
    const { code, printed } = await running;
    report("memory of the whole system during a replay of both days", { "peak PSS, MB": Math.round(peakMb) });
    expect(printed).toMatch(/violations 0$/m);
    expect(code).toBe(0);
    expect([...(await capturesByOrder(system)).values()].filter((count) => count > 1)).toEqual([]);
    expect(peakMb).toBeLessThan(900);
  });

  test("ends the same while order, payment and product are each killed ten times", async () => {
    await using system = await startedSystem();
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    // Each day is stretched to a minute, so that the kills fall into it.
    const running = replay(system).finally(end);
    const kills = ["order", "payment", "product"].flatMap((name) => Array<string>(10).fill(name));
    kills.sort(() => Math.random() - 0.5);
    const made: string[] = [];
    for (const name of kills) {
      await wait(1_000 + Math.random() * 3_500);
      // Still coming back from an earlier kill: this one waits for it.
      const pid = await pidOf(system, name);
      process.kill(pid, "SIGKILL");
      made.push(`${name} ${pid}`);
      if (await Promise.race([over.then(() => true), wait(0, false)])) break;
    }
    const { code, printed } = await running;
    console.log(printed);
    report("kills during the replay", { made: made.length });
    expect(made).toHaveLength(30);
    expect(new Set(made).size).toBe(30);
    expect(printed).toMatch(/violations 0$/m);
    expect(code).toBe(0);
    const captures = await capturesByOrder(system);
    expect(captures.size).toBeGreaterThan(200);
    expect([...captures.values()].filter((count) => count > 1)).toEqual([]);
  });
});

async function pidOf(system: StartedSystem, name: string): Promise<number> {
  while (true) {
    const pid = (await system.current()).pids[name];
    if (pid !== undefined && isAlive(pid)) return pid;
    await wait(50);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
