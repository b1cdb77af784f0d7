import { setTimeout as sleep } from "node:timers/promises";
import type { TestProject } from "vitest/node";
import { report } from "../long/report.ts";
import { missingForContainers } from "../support/docker.ts";
import { ComposeStack, type Container } from "./compose-stack.ts";

/** What the Dockerfile and the compose file begin with. */
export const BASE_IMAGE = "node:24-slim";
const BASE_IMAGES = [BASE_IMAGE, "postgres:17"];

declare module "vitest" {
  interface ProvidedContext {
    /** The stack in containers that the tests share; `missing` says why there is none. */
    containers: {
      readonly project: string;
      readonly missing: string | undefined;
      /** All of them after the first `up --wait`. */
      readonly first: readonly Container[];
    };
  }
}

/** Builds the system and starts it, for `globalSetup` of vitest. Where there is no engine it says so, and nothing runs. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const project = "holdfast-e2e";
  const missing = await missingForContainers(BASE_IMAGES);
  if (missing !== undefined) {
    // Where there is an engine, as CI finds out, nothing else may be in the way.
    if (process.env["REQUIRE_CONTAINERS"] === "1") throw new Error(`Cannot run the stack in containers: ${missing}`);
    provide("containers", { project, missing, first: [] });
    console.warn(`NOT RUN: the stack in containers, ${missing}`);
    return () => Promise.resolve();
  }
  const stack = new ComposeStack(project);
  await stack.remove(); // of a run that was cut short
  const building = performance.now();
  await stack.compose(["build"], 900_000);
  const starting = performance.now();
  await stack.compose(["up", "--wait"]);
  const healthy = performance.now();
  provide("containers", { project, missing, first: await stack.containers() });
  await sleep(5_000); // what a start leaves to do
  report("containers", {
    "build s": ((starting - building) / 1_000).toFixed(1),
    "healthy after s": ((healthy - starting) / 1_000).toFixed(1),
    "idle MB": await stack.memory(),
  });
  return () => stack.remove();
}
