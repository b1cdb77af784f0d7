import { Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { aNewOrder, anAcceptance, aScope } from "../testing/builders.ts";
import { startOrderService, type TestOrderService } from "../testing/start-order-service.ts";

/** Accepts orders of so many lines each, one after the other. @returns Their ids, the newest first. */
async function accept({ store }: TestOrderService, lineCounts: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const count of lineCounts) {
    const [line] = aNewOrder().lines;
    if (line === undefined) throw new Error("The builder makes a line");
    const acceptance = anAcceptance({ lines: Array.from({ length: count }, () => line) });
    await store.acceptOrder(acceptance, aScope());
    ids.unshift(acceptance.order.id);
  }
  return ids;
}

/** Follows the tokens to the end. */
async function pagesOf({ client }: TestOrderService, pageSize: number): Promise<string[][]> {
  const pages: string[][] = [];
  let pageToken = "";
  do {
    const page = await client.listOrders({ customerId: "17850", pageSize, pageToken });
    pages.push(page.orders.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return pages;
}

describe("ListOrders", () => {
  test("gives a customer's orders page by page, the newest first", async () => {
    await using service = await startOrderService();
    const ids = await accept(service, [1, 2, 1, 1, 3]);
    await service.store.acceptOrder(anAcceptance({ customerId: "12583" }), aScope());
    expect(await pagesOf(service, 2)).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
    expect(await pagesOf(service, 5)).toEqual([ids]);
    expect(await pagesOf(service, 0)).toEqual([ids]);
    const { orders } = await service.client.listOrders({ customerId: "17850", pageSize: 1 });
    expect(orders[0]?.lines).toHaveLength(3);
    expect(await service.client.listOrders({ customerId: "nobody" })).toEqual({ orders: [], nextPageToken: "" });
  });

  test("loses and repeats none of many orders of one instant", async () => {
    await using service = await startOrderService();
    await service.store.query(`
      insert into orders (id, customer_id, currency_code, total_minor_units, payment_method, line_count, create_time)
      select 'ord_' || i, '17850', 'GBP', 1, 'pm_card_ok', 1, timestamp '2011-12-09 12:50' from generate_series(1, 150) i`);
    const ids = (await pagesOf(service, 1_000)).flat();
    expect(ids).toHaveLength(150);
    expect(new Set(ids).size).toBe(150);
    expect((await service.client.listOrders({ customerId: "17850", pageSize: 1_000 })).orders).toHaveLength(100);
  });

  test("ends a page early rather than sending more than a message may hold", async () => {
    await using service = await startOrderService();
    const ids = await accept(service, [1_000, 1_000, 1_000, 1_000]);
    expect(await pagesOf(service, 100)).toEqual([ids.slice(0, 3), ids.slice(3)]);
  });

  test("refuses a token of another customer", async () => {
    await using service = await startOrderService();
    await accept(service, [1, 1]);
    const { nextPageToken } = await service.client.listOrders({ customerId: "17850", pageSize: 1 });
    await expect(service.client.listOrders({ customerId: "12583", pageToken: nextPageToken })).rejects.toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: "INVALID_PAGE_TOKEN",
    });
  });
});
