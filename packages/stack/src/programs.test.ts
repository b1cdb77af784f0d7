import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { launchProgram } from "./launch-program.ts";
import { SERVICE_NAMES, type Surroundings, serviceProgram } from "./programs.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

const around: Surroundings = {
  databaseUrls: { payment: "postgresql://stack", product: "postgresql://stack", order: "postgresql://stack" },
  providerUrl: "http://stack",
  clusterDns: "127.0.0.1:2",
  env: {},
};

/** Of all that a service reads, what says where others are. */
const WHERE = {
  LISTEN: "127.0.0.1:1",
  DATABASE_URL: "postgresql://stack",
  CLUSTER_DNS: "127.0.0.1:2",
  CLUSTER_DOMAIN: "cluster.local",
};
const OWN = {
  payment: { POD_NAMESPACE: "payments", PROVIDER_URL: "http://stack" },
  product: { POD_NAMESPACE: "products" },
  order: {
    POD_NAMESPACE: "orders",
    PRODUCT_TARGET: "k8s:///product-service.products:grpc",
    PAYMENT_TARGET: "k8s:///payment-service.payments:grpc",
  },
};

afterEach(() => vi.unstubAllEnvs());

test.each(SERVICE_NAMES)("where others are is told to %s by the stack, whatever the shell has", async (service) => {
  const wanted = { ...WHERE, ...OWN[service] };
  for (const name of Object.keys(wanted)) vi.stubEnv(name, "corp.example");
  await using logs = await tempFolder();
  const main = join(logs.path, "main.mjs");
  await writeFile(
    main,
    'console.log(JSON.stringify(process.env)); process.send({ type: "ready" }, () => process.exit());',
  );

  const program = { ...serviceProgram(service, service, 1, around), main };
  const run = await launchProgram(program, { logs: logs.path, answers: async () => undefined });
  await run.serving;
  await run.exited;

  expect(JSON.parse(await readFile(join(logs.path, `${service}.log`), "utf8"))).toMatchObject(wanted);
});
