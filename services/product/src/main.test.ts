import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { connect } from "@holdfast/rpc";
import { createTestDatabase } from "@holdfast/testkit";
import { expect, test } from "vitest";
import { aCreateRequest } from "./testing/builders.ts";
import { startServiceProcess } from "./testing/start-service-process.ts";

test("three instances start at once on an empty database, serve, and end with 0 at SIGTERM", async () => {
  await using database = await createTestDatabase();
  await using stack = new AsyncDisposableStack();
  const started = await Promise.all([1, 2, 3].map(() => startServiceProcess(database.url)));
  const instances = started.map((instance) => stack.use(instance));
  const request = aCreateRequest();
  const answers = await Promise.all(
    instances.map(({ target }) => {
      const client = stack.use(connect(ProductServiceDefinition, target, { timeoutMs: 10_000 }));
      return client.createProduct(request);
    }),
  );
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
  // A watch must not keep an instance from ending.
  const watcher = stack.use(connect(ProductServiceDefinition, instances[0]?.target ?? "", { timeoutMs: 60_000 }));
  const watched = (async () => {
    for await (const _ of watcher.watchStock(untilAborted(stack))) process.kill(instances[0]?.pid ?? 0, "SIGTERM");
  })();
  await expect(watched).rejects.toMatchObject({ reason: "DRAINING" });
  for (const { pid } of instances.slice(1)) process.kill(pid, "SIGTERM");
  expect(await Promise.all(instances.map(({ exitCode }) => exitCode))).toEqual([0, 0, 0]);
}, 60_000);

/** Subscribes to something, then stays. */
async function* untilAborted(stack: AsyncDisposableStack) {
  const { promise, resolve } = Promise.withResolvers<void>();
  stack.defer(resolve);
  yield { subscribe: ["prod_none"], unsubscribe: [] };
  await promise;
}
