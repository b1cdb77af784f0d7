import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeEmbeddedPostgres, startEmbeddedPostgres } from "@holdfast/storage/embedded";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Superuser's URL of the test run's PostgreSQL. */
    postgresAdminUrl: string;
  }
}

/** One PostgreSQL for the whole test run, in a folder that goes away with it. For `globalSetup` of vitest. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-test-postgres-"));
  const server = await startEmbeddedPostgres({ folder }).catch(async (error: unknown) => {
    await removeEmbeddedPostgres(folder);
    throw error;
  });
  project.provide("postgresAdminUrl", server.adminUrl);
  return async () => {
    await server.stop();
    await removeEmbeddedPostgres(folder);
  };
}
