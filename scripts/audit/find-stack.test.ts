import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { findStack } from "./find-stack.ts";
import { InputError } from "./input-error.ts";

const folder = await mkdtemp(join(tmpdir(), "find-stack-"));
afterAll(() => rm(folder, { recursive: true }));
const kept = {
  targets: { order: "127.0.0.1:1", product: "127.0.0.1:2", payment: "127.0.0.1:3" },
  clusterDns: "127.0.0.1:5353",
  databaseUrls: { order: "o", product: "p", payment: "y" },
  providerFile: "f",
};
await writeFile(join(folder, "stack.json"), JSON.stringify(kept));

const TARGETS = { ORDER_TARGET: "k8s:///order-service:grpc", PRODUCT_TARGET: "dns:///product.example:50052" };
const BOOKS = { ORDER_DATABASE_URL: "a", PRODUCT_DATABASE_URL: "b", PAYMENT_DATABASE_URL: "c", PROVIDER_FILE: "d" };

describe("findStack()", () => {
  test("names the services of a running stack, and asks its DNS for them", async () => {
    expect(await findStack(folder, {})).toEqual({
      targets: { order: "k8s:///order-service.orders:grpc", product: "k8s:///product-service.products:grpc" },
      isOfStack: { order: true, product: true },
      resolver: { servers: ["127.0.0.1:5353"], domain: "cluster.local", namespace: "default" },
      books: { orderDatabaseUrl: "o", productDatabaseUrl: "p", paymentDatabaseUrl: "y", providerFile: "f" },
    });
  });

  test("needs no folder where the environment says all, as in a container", async () => {
    const cluster = { CLUSTER_DNS: "10.0.0.10, 10.0.0.11:54", CLUSTER_DOMAIN: "example.org", POD_NAMESPACE: "orders" };
    expect(await findStack("/nowhere", { ...TARGETS, ...BOOKS, ...cluster })).toEqual({
      targets: { order: TARGETS.ORDER_TARGET, product: TARGETS.PRODUCT_TARGET },
      isOfStack: { order: false, product: false },
      resolver: { servers: ["10.0.0.10", "10.0.0.11:54"], domain: "example.org", namespace: "orders" },
      books: { orderDatabaseUrl: "a", productDatabaseUrl: "b", paymentDatabaseUrl: "c", providerFile: "d" },
    });
  });

  test.each([
    ["CLUSTER_DNS, whoever named the targets", { CLUSTER_DNS: "10.0.0.10" }, ["10.0.0.10"]],
    ["the stack's, where a target is left to it", { ORDER_TARGET: TARGETS.ORDER_TARGET }, ["127.0.0.1:5353"]],
    ["the system's, where none is", TARGETS, undefined],
    ["the same where variables are empty", { ORDER_TARGET: "", CLUSTER_DNS: "" }, ["127.0.0.1:5353"]],
  ])("asks %s", async (_, env, servers) => {
    expect((await findStack(folder, env)).resolver.servers).toEqual(servers);
  });

  test.each([{ CLUSTER_DNS: "dns.example" }, { CLUSTER_DOMAIN: "cluster local" }, { POD_NAMESPACE: "Orders_1" }])(
    "refuses %j",
    (env) => expect(findStack(folder, env)).rejects.toThrow(InputError),
  );

  test("takes what a flag says, whether the environment says it or names a file for it", async () => {
    const flags = { ORDER_TARGET: "dns:///order.example:50053" };
    for (const env of [{ ORDER_TARGET: TARGETS.ORDER_TARGET }, { ORDER_TARGET_FILE: "/nowhere" }]) {
      expect((await findStack(folder, env, flags)).targets.order).toBe(flags.ORDER_TARGET);
    }
  });

  test("says so when no stack was ever started there", async () => {
    await expect(findStack("/nowhere", TARGETS)).rejects.toThrow("npm start");
  });

  test("says that the stack in containers has to have been started where its secrets are missing", async () => {
    const read = (file: string) =>
      findStack(folder, { ...TARGETS, ...BOOKS, ORDER_DATABASE_URL: "", ORDER_DATABASE_URL_FILE: file });
    const missing = join(folder, "order", "database-url");
    await expect(read(missing)).rejects.toThrow(/^ORDER_DATABASE_URL_FILE: .*ENOENT.*docker compose up --wait/);
    await expect(read(folder)).rejects.toThrow(/^ORDER_DATABASE_URL_FILE: (?!.*docker)/);
  });
});
