import { ProductServiceDefinition, type ProductRow } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { createLogger } from "@holdfast/process";
import { connect, type Handlers, RpcError, serve, Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import type { CatalogueProduct } from "./catalogue-of.ts";
import { importCatalogue } from "./import-catalogue.ts";
import { jumpingClock } from "./jumping-clock.fixture.ts";
import { persistence } from "./persistence.ts";

type ProductHandlers = Handlers<typeof ProductServiceDefinition>;

const { signal } = new AbortController();
const catalogue: CatalogueProduct[] = Array.from({ length: 600 }, (_, n) => ({
  sku: `${10_000 + n}@2.55`,
  name: `PRODUCT ${n}`,
  price: { currencyCode: "GBP", minorUnits: 255n },
  stock: n,
  description: "",
}));
const idOf = (sku: string) => `prod_${sku.slice(0, 5)}`;
const away = () => new RpcError(Status.UNAVAILABLE, "DRAINING", "Away");

async function importInto(handlers: Pick<ProductHandlers, "importProducts" | "listProducts">) {
  const unused = () => {
    throw new RpcError(Status.UNIMPLEMENTED, "UNIMPLEMENTED", "Cannot be called in this test");
  };
  const others = { getProduct: unused, batchGetProducts: unused, createProduct: unused, watchStock: unused };
  const stock = { reserveStock: unused, commitStock: unused, releaseStock: unused };
  const all: ProductHandlers = { ...others, ...stock, ...handlers };
  const log = createLogger({ service: "product", level: "silent" });
  await using server = await serve(ProductServiceDefinition, all, { listen: "127.0.0.1:0", log });
  using products = connect(ProductServiceDefinition, `127.0.0.1:${server.port}`, { timeoutMs: 5_000 });
  const patience = persistence({ clock: jumpingClock(), signal, giveUpAfterMs: 3_000 });
  return await importCatalogue(catalogue, { products, persistence: patience, signal });
}

async function received(requests: AsyncIterable<{ rows: ProductRow[] }>) {
  const batches: number[] = [];
  for await (const { rows } of requests) batches.push(rows.length);
  return batches;
}

const listProducts: ProductHandlers["listProducts"] = async function* ({ pageToken }) {
  const from = Number(pageToken || "0");
  for (let start = from; start < catalogue.length; start += 100) {
    const page = catalogue.slice(start, start + 100).map(({ sku }) => ({ sku, id: idOf(sku) }));
    yield { products: page, nextPageToken: start + 100 < catalogue.length ? String(start + 100) : "" };
  }
};

const counted = { receivedCount: 600n, createdCount: 600n };

describe("importCatalogue()", () => {
  test("sends the rows in batches and gives the id of each product", async () => {
    let batches: number[] = [];
    const imported = await importInto({
      importProducts: async (requests) => {
        batches = await received(requests);
        return counted;
      },
      listProducts,
    });
    expect(batches).toEqual([250, 250, 100]);
    expect(imported).toMatchObject({ created: 600, updated: 0 });
    expect(imported.ids.size).toBe(600);
    expect(imported.ids.get("10599@2.55")).toBe("prod_10599");
  });

  test("starts an interrupted import again, and goes on with an interrupted list", async () => {
    const imports: number[][] = [];
    const tokens: string[] = [];
    const { ids } = await importInto({
      importProducts: async (requests) => {
        imports.push(await received(requests));
        if (imports.length === 1) throw away();
        return counted;
      },
      listProducts: async function* (request, context) {
        tokens.push(request.pageToken);
        for await (const page of listProducts(request, context)) {
          yield page;
          if (tokens.length === 1 && page.nextPageToken === "300") throw away();
        }
      },
    });
    expect(imports).toEqual([
      [250, 250, 100],
      [250, 250, 100],
    ]);
    expect(tokens).toEqual(["", "300"]);
    expect(ids.size).toBe(600);
  });

  test("names the rows that the service rejects", async () => {
    const errors = [{ rowNumber: 1n, sku: "10000@2.55", field: "name", description: "must not be empty" }];
    const importProducts: ProductHandlers["importProducts"] = async (requests) => {
      await received(requests);
      return { rejectedCount: 1n, errors };
    };
    await expect(importInto({ importProducts, listProducts })).rejects.toThrow(/10000@2.55: name must not be empty/);
  });

  test("says so when the catalogue lacks a product", async () => {
    const importProducts: ProductHandlers["importProducts"] = async (requests) => {
      await received(requests);
      return counted;
    };
    const nothing: ProductHandlers["listProducts"] = async function* () {
      yield { products: [] };
    };
    await expect(importInto({ importProducts, listProducts: nothing })).rejects.toThrow(/600 imported products/);
  });
});
