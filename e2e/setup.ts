import { rm } from "node:fs/promises";
import { type StackFile, startStack } from "@holdfast/stack";
import type { TestProject } from "vitest/node";
import { temporaryFolder } from "./support/temporary-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The system that the tests share. */
    stack: StackFile & { folder: string };
  }
}

/** The whole system on free ports, in a folder that goes away with it. For `globalSetup` of vitest. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await temporaryFolder("holdfast-e2e-");
  const anyPort = { payment: 0, product: 0, order: 0, provider: 0, postgres: 0 };
  const stack = await startStack({ folder, ports: anyPort });
  const { targets, clusterDns, databaseUrls, providerUrl, providerFile, logs, processes } = stack;
  const { postgres, provider, instances } = processes;
  const all = [postgres, provider, ...instances.all().map((instance) => instance.process)];
  const pids = Object.fromEntries(all.map(({ name, pid = 0 }) => [name, pid]));
  const shared = { targets, clusterDns, databaseUrls, providerUrl, providerFile, logs, pids, pid: process.pid };
  project.provide("stack", { ...shared, folder });
  return async () => {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
