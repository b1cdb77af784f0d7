import { setTimeout as wait } from "node:timers/promises";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { generatedRows } from "@holdfast/product-service/testing/generated-rows";
import { connect } from "@holdfast/rpc";
import { expect, test } from "vitest";
import { rssMb } from "./memory-of.ts";
import { report } from "./report.ts";
import { startedSystem } from "./started-system.ts";

test("ListProducts of 100,000 products to a reader that stops after 10 for 30 s: RSS grows by less than 20 MB", async () => {
  await using system = await startedSystem();
  const { targets, pids } = await system.current();
  const pid = pids.product ?? 0;
  using products = connect(ProductServiceDefinition, targets.product, { timeoutMs: 600_000 });
  await products.importProducts(generatedRows({ count: 100_000, messageRows: 500 }));
  // A first pass over everything, so that what a process keeps anyway is not counted as growth.
  let count = 0;
  for await (const { products: part } of products.listProducts({ streamAll: true })) count += part.length;
  expect(count).toBeGreaterThanOrEqual(100_000);

  const before = rssMb(pid);
  const reader = products.listProducts({ streamAll: true })[Symbol.asyncIterator]();
  let read = 0;
  while (read < 10) read += (await reader.next()).value?.products.length ?? 0;
  let most = before;
  for (let second = 0; second < 30; second += 1) {
    await wait(1_000);
    most = Math.max(most, rssMb(pid));
  }
  report("a stalled reader of 100,000 products", {
    "RSS before, MB": Math.round(before),
    "most in 30 s, MB": Math.round(most),
    "growth, MB": (most - before).toFixed(1),
  });
  expect(most - before).toBeLessThan(20);
  // The rest is still there for a reader that goes on.
  let rest = read;
  while (true) {
    const { value, done } = await reader.next();
    if (done === true) break;
    rest += value.products.length;
  }
  expect(rest).toBe(count);
});
