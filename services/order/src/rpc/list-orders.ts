import type { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import type { Handlers } from "@holdfast/rpc";
import type { OrderPage, PagePosition } from "../domain/order-page.ts";
import type { Scope } from "../domain/scope.ts";
import { orderToProto } from "./order-to-proto.ts";
import { decodePageToken, encodePageToken } from "./page-token.ts";

const DEFAULT_PAGE_SIZE = 50;
const LARGEST_PAGE_SIZE = 100;

interface Dependencies {
  listOrders: (
    query: { customerId: string; limit: number; after: PagePosition | undefined },
    scope: Scope,
  ) => Promise<OrderPage>;
}

/** ListOrders: a page of a customer's orders. It may be shorter than asked for: the token says whether more follow. */
export function listOrders({ listOrders: list }: Dependencies): Handlers<OrderServiceDefinition>["listOrders"] {
  return async ({ customerId, pageSize, pageToken }, { deadline, signal }) => {
    const limit = Math.min(pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize, LARGEST_PAGE_SIZE);
    const after = decodePageToken(pageToken, customerId);
    const { orders, hasMore } = await list({ customerId, limit, after }, { deadline, signal });
    const last = orders.at(-1);
    const nextPageToken =
      hasMore && last !== undefined
        ? encodePageToken({ createTime: last.createTime, orderId: last.id }, customerId)
        : "";
    return { orders: orders.map(orderToProto), nextPageToken };
  };
}
