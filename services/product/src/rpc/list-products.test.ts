import type { ListProductsRequest } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { describe, expect, test } from "vitest";
import { aScope, insertProduct, insertProducts } from "../testing/builders.ts";
import { startService, type TestService } from "../testing/start-service.ts";
import { listProducts } from "./list-products.ts";

describe("listProducts()", () => {
  test.each([
    [{}, 50, [50]],
    [{ pageSize: 1 }, 1, [1]],
    [{ pageSize: 100 }, 100, [100]],
    [{ pageSize: 250 }, 250, [100, 100, 50]],
    [{ pageSize: 2_000_000 }, 1_000, Array.from({ length: 10 }, () => 100)],
    [{ streamAll: true, pageSize: 1 }, 1_050, [...Array.from({ length: 10 }, () => 100), 50]],
  ])("sends for %o %i products, 100 a message", async (request, count, messages) => {
    await using service = await startService();
    const ids = await insertProducts(service.db, 1_050);
    const list = await read(service, request);
    expect(list.flatMap(({ ids }) => ids)).toEqual(ids.slice(0, count));
    expect(list.map(({ ids }) => ids.length)).toEqual(messages);
    expect(list.at(-1)?.token === "").toBe(count === 1_050);
  });

  test("goes on after any message", async () => {
    await using service = await startService();
    const ids = await insertProducts(service.db, 350);
    const messages = await read(service, { streamAll: true });
    expect(messages.map(({ token }) => token === "")).toEqual([false, false, false, true]);
    for (const { ids: seen, token } of messages.slice(0, -1)) {
      const rest = await read(service, { streamAll: true, pageToken: token });
      expect(rest.flatMap(({ ids }) => ids)).toEqual(ids.slice(ids.indexOf(seen.at(-1) ?? "") + 1));
    }
  });

  test("sends one message without products for an empty list", async () => {
    await using service = await startService();
    expect(await read(service, { nameContains: "nothing" })).toEqual([{ ids: [], token: "" }]);
  });

  test("finds names by any part, whatever the case, and takes LIKE's signs as they stand", async () => {
    await using service = await startService();
    const { db } = service;
    const heart = await insertProduct(db, { name: "White hanging HEART" });
    const umlaut = await insertProduct(db, { name: "GRÖSSE" });
    const percent = await insertProduct(db, { name: "50% off_now \\o/" });
    const search = async (nameContains: string) =>
      (await read(service, { nameContains })).flatMap(({ ids }) => ids).sort();
    expect(await search("heart")).toEqual([heart]);
    expect(await search("größe")).toEqual([]);
    expect(await search("röss")).toEqual([umlaut]);
    expect(await search("0% OFF_")).toEqual([percent]);
    expect(await search("\\O/")).toEqual([percent]);
    expect(await search("5_%")).toEqual([]);
    expect(await search("%")).toEqual([percent]);
    expect(await search("h_art")).toEqual([]);
  });

  test("leaves out what is not in stock", async () => {
    await using service = await startService();
    await insertProduct(service.db, { stock: 0 });
    const some = await insertProduct(service.db, { stock: 1 });
    expect(await read(service, { inStockOnly: true })).toEqual([{ ids: [some], token: "" }]);
  });

  test("refuses the token of another filter", async () => {
    await using service = await startService();
    await insertProducts(service.db, 2);
    const [first] = await read(service, { pageSize: 1 });
    const call = read(service, { pageSize: 1, inStockOnly: true, pageToken: first?.token ?? "" });
    await expect(call).rejects.toMatchObject({
      reason: "INVALID_PAGE_TOKEN",
      violations: [expect.objectContaining({ field: "page_token" })],
    });
  });

  test("has 5 s for each page, however long the whole list may take", async () => {
    const lefts: number[] = [];
    const handler = listProducts({
      read: async ({ deadline }) => {
        lefts.push(deadline - Date.now());
        return [];
      },
    });
    const request = { pageSize: 0, pageToken: "", streamAll: true, nameContains: "", inStockOnly: false };
    for await (const _ of handler(request, aScope(3_600_000) as Parameters<typeof handler>[1]));
    expect(lefts).toHaveLength(1);
    expect(Math.max(...lefts)).toBeLessThanOrEqual(5_000);
  });

  test("sends a message before the next one is asked for, and stops when the client goes away", async () => {
    await using service = await startService();
    await insertProducts(service.db, 20_000);
    const cancel = new AbortController();
    const stream = service.client.listProducts({ streamAll: true }, { signal: cancel.signal });
    let seen = 0;
    await expect(
      (async () => {
        for await (const { products } of stream) {
          seen += products.length;
          cancel.abort();
        }
      })(),
    ).rejects.toThrow(/went away|abort/i);
    expect(seen).toBeLessThan(20_000);
  });
});

async function read(service: TestService, request: Partial<ListProductsRequest>) {
  const messages: { ids: string[]; token: string }[] = [];
  for await (const { products, nextPageToken } of service.client.listProducts(request)) {
    messages.push({ ids: products.map(({ id }) => id), token: nextPageToken });
  }
  return messages;
}
