import { randomUUID } from "node:crypto";
import type { CreateOrderRequest } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import type { Acceptance } from "../domain/acceptance.ts";
import type { NewOrder } from "../domain/order.ts";
import type { Scope } from "../domain/scope.ts";

const hex = () => randomUUID().replaceAll("-", "");

/** Ten seconds from now, and nobody gives up earlier. */
export function aScope(timeoutMs = 10_000): Scope {
  return { deadline: Date.now() + timeoutMs, signal: new AbortController().signal };
}

/** A request that is accepted, but for what the test is about. Each has a key of its own. */
export function aCreateOrder(change: Partial<CreateOrderRequest> = {}): CreateOrderRequest {
  return {
    customerId: "17850",
    items: [{ productId: "prod_a", quantity: 2 }],
    idempotencyKey: hex(),
    expectedTotal: undefined,
    paymentMethod: "pm_card_ok",
    ...change,
  };
}

/** A priced order. */
export function aNewOrder(change: Partial<NewOrder> = {}): NewOrder {
  return {
    id: `ord_${hex()}`,
    customerId: "17850",
    lines: [{ productId: "prod_a", name: "White hanging heart", quantity: 2, unitPrice: 255n }],
    total: { currencyCode: "GBP", minorUnits: 510n },
    paymentMethod: "pm_card_ok",
    ...change,
  };
}

/** An order to accept under a key of its own; the answer is the order's id. */
export function anAcceptance(change: Partial<NewOrder> = {}, key: Partial<Acceptance["key"]> = {}): Acceptance {
  const order = aNewOrder(change);
  return {
    key: { customerId: order.customerId, key: hex(), requestHash: Buffer.from("hash"), ...key },
    order,
    responseTo: ({ id }) => Buffer.from(id),
  };
}
