import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { createLogger } from "@holdfast/process";
import { connect, type Handlers, RpcError, serve, Status } from "@holdfast/rpc";
import { expect, test } from "vitest";
import { jumpingClock } from "../replay/jumping-clock.fixture.ts";
import { persistence as startPersistence } from "../replay/persistence.ts";
import { knownSkus } from "./known-skus.ts";

type ProductHandlers = Handlers<typeof ProductServiceDefinition>;

const { signal } = new AbortController();

async function known(listProducts: ProductHandlers["listProducts"]) {
  const unused = () => {
    throw new RpcError(Status.UNIMPLEMENTED, "UNIMPLEMENTED", "Cannot be called in this test");
  };
  const others = { getProduct: unused, batchGetProducts: unused, createProduct: unused, watchStock: unused };
  const stock = { reserveStock: unused, commitStock: unused, releaseStock: unused, importProducts: unused };
  const log = createLogger({ service: "product", level: "silent" });
  const handlers: ProductHandlers = { ...others, ...stock, listProducts };
  await using server = await serve(ProductServiceDefinition, handlers, { listen: "127.0.0.1:0", log });
  using products = connect(ProductServiceDefinition, `127.0.0.1:${server.port}`, { timeoutMs: 5_000 });
  const persistence = startPersistence({ clock: jumpingClock(), signal, giveUpAfterMs: 3_000 });
  return await knownSkus({ products, persistence, signal });
}

test("knownSkus() outlasts a product service that is killed meanwhile, and goes on after the last page", async () => {
  const asked: string[] = [];
  const skus = await known(async function* ({ pageToken }) {
    asked.push(pageToken);
    if (asked.length === 1) throw new RpcError(Status.UNAVAILABLE, "DRAINING", "Away");
    if (pageToken === "") yield { products: [{ sku: "10000" }, { sku: "10001" }], nextPageToken: "2" };
    if (asked.length === 2) throw new RpcError(Status.UNAVAILABLE, "DRAINING", "Away");
    yield { products: [{ sku: "10002" }], nextPageToken: "" };
  });
  expect(asked).toEqual(["", "", "2"]);
  expect(skus).toEqual(new Set(["10000", "10001", "10002"]));
});
