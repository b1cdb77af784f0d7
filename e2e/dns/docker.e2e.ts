import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { docker, missingForContainers } from "../support/docker.ts";
import { until } from "../support/npm-start.ts";
import type { Report } from "./docker/report.ts";

const IMAGE = "node:24-slim";
const PROJECT = `holdfast-dns-${randomUUID().slice(0, 8)}`;
const COMPOSE = ["compose", "--project-name", PROJECT, "--file", join(import.meta.dirname, "docker/compose.yaml")];

function callsOf(report: Report, target: string, address: string): number {
  return report[target]?.endpoints.find((each) => each.address === address)?.calls ?? 0;
}

const reason = await missingForContainers([IMAGE]);
if (reason !== undefined) console.warn(`SKIPPED: discovery by Docker's DNS, ${reason}`);

describe.skipIf(reason !== undefined)("discovery by Docker's DNS", () => {
  let logs: ChildProcess | undefined;
  let report: Report = {};

  afterAll(async () => {
    logs?.kill();
    await docker([...COMPOSE, "down", "--timeout", "1", "--volumes"]);
  });

  const scale = (count: number) =>
    docker([...COMPOSE, "up", "--detach", "--no-recreate", "--scale", `payment=${count}`]);

  /** Of the containers that run. */
  async function addresses(): Promise<string[]> {
    const ids = (await docker([...COMPOSE, "ps", "--quiet", "payment"])).split("\n").filter((id) => id !== "");
    const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    const found = await docker(["inspect", "--format", format, ...ids]);
    return found
      .split("\n")
      .map((address) => `${address}:50051`)
      .toSorted();
  }

  /** Waits until every target has one endpoint per container, and each of them gets calls. @returns After how long. */
  async function followed(count: number): Promise<number> {
    const since = performance.now();
    const expected = await addresses();
    expect(expected).toHaveLength(count);
    const before = report;
    await until(() => {
      const targets = Object.entries(report);
      const isSo = ([target, { endpoints }]: (typeof targets)[number]): boolean =>
        isDeepStrictEqual(endpoints.map(({ address }) => address).toSorted(), expected) &&
        endpoints.every(({ address, calls }) => calls > callsOf(before, target, address));
      return targets.length > 0 && targets.every(isSo);
    });
    return Math.round(performance.now() - since);
  }

  test("has one endpoint per container, as they come, go and are killed", { timeout: 180_000 }, async () => {
    await scale(1);
    logs = spawn("docker", ["logs", "--follow", await docker([...COMPOSE, "ps", "--quiet", "caller"])]);
    if (logs.stdout === null) throw new Error("No output to read");
    createInterface({ input: logs.stdout }).on("line", (line) => (report = JSON.parse(line) as Report));

    const ms: Record<string, number> = { "1": await followed(1) };
    await scale(3);
    ms["1 to 3"] = await followed(3);
    const [killed = ""] = (await docker([...COMPOSE, "ps", "--quiet", "payment"])).split("\n");
    // Gone for good: Compose would take one that has merely ended for the one to keep, and stop those that run.
    await docker(["rm", "--force", killed]);
    ms["one killed"] = await followed(2);
    await scale(1);
    ms["down to 1"] = await followed(1);
    await scale(2);
    ms["up to 2"] = await followed(2);

    const results = Object.values(report);
    console.log(
      `Docker: followed after ${JSON.stringify(ms)} ms, ${results.map(({ calls }) => calls).join(" + ")} calls`,
    );
    expect(results).toHaveLength(2);
    expect(results.flatMap(({ errors }) => errors).slice(0, 5)).toEqual([]);
  });
});
