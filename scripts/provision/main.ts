/**
 * For a stack in containers, once at each start and before the services: gives each of them a database of its own, and the
 * secret to it as a file. ADMIN_URL is how to reach the database as its superuser, SECRETS_FOLDER where the files go.
 */
import { createLogger, main, readConfig } from "@holdfast/process";
import { provision, waitForDatabase } from "@holdfast/storage";
import { z } from "zod";
import { databaseSecrets } from "./database-secrets.ts";

/** A whole stack that is started again starts its database at the same time as this. */
const WAIT_MS = 30_000;
const SERVICES = ["payment", "product", "order"];

const Config = z.object({
  /** Over the socket in a shared folder, `postgresql://postgres@/postgres?host=<folder>`, no password is needed. */
  ADMIN_URL: z.string(),
  /** Each service is shown its own folder in it, and no other. */
  SECRETS_FOLDER: z.string(),
  /** Where the services find the database. */
  DATABASE_HOST: z.string().default("database:5432"),
});

await main("provision", async () => {
  const { ADMIN_URL, SECRETS_FOLDER, DATABASE_HOST } = readConfig(Config, process.env);
  const log = createLogger({ service: "provision" });
  await waitForDatabase(ADMIN_URL, { waitMs: WAIT_MS, onProgress: (text) => log.info(text) });
  const secrets = await databaseSecrets(SECRETS_FOLDER, SERVICES, DATABASE_HOST);
  await provision(ADMIN_URL, secrets);
  log.info({ services: SERVICES }, "provisioned");
});
