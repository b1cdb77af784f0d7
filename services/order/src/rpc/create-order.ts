import { createHash } from "node:crypto";
import {
  CreateOrderRequest,
  CreateOrderResponse,
  type OrderServiceDefinition,
} from "@holdfast/contracts/ecommerce/order/v1/order_service";
import type { Handlers } from "@holdfast/rpc";
import type { Acceptance, AcceptOutcome, IdempotencyKey, Reply } from "../domain/acceptance.ts";
import type { Order } from "../domain/order.ts";
import { placeOrder, type PricedProduct } from "../domain/place-order.ts";
import type { Scope } from "../domain/scope.ts";
import { catalogueSilent, keyInUse, keyReused, orderRefused } from "./create-order-errors.ts";
import { orderToProto } from "./order-to-proto.ts";

/** What the catalogue says about some products. */
export type CatalogueOutcome =
  /** Products that are not there are missing. */
  | { readonly kind: "priced"; readonly products: ReadonlyMap<string, PricedProduct> }
  | { readonly kind: "unavailable" }
  | { readonly kind: "deadline" };

interface Dependencies {
  /** What an earlier call with the key has left. */
  findReply(key: IdempotencyKey, scope: Scope): Promise<Reply | undefined>;
  /** One call, however many products. */
  price(productIds: readonly string[], scope: Scope): Promise<CatalogueOutcome>;
  acceptOrder(acceptance: Acceptance, scope: Scope): Promise<AcceptOutcome>;
  newOrderId: () => string;
}

/**
 * CreateOrder: priced by the catalogue, placed by {@link placeOrder}, accepted in one transaction. A repeat is answered
 * before the catalogue is asked: it gets its answer also when that is down, or the prices have changed.
 */
export function createOrder(deps: Dependencies): Handlers<OrderServiceDefinition>["createOrder"] {
  return async (request, { deadline, signal }) => {
    const scope = { deadline, signal };
    const { customerId, items, idempotencyKey, expectedTotal, paymentMethod } = request;
    const key = { customerId, key: idempotencyKey, requestHash: hashOf(request) };
    const earlier = await deps.findReply(key, scope);
    if (earlier !== undefined) return answer(earlier, idempotencyKey);

    const catalogue = await deps.price([...new Set(items.map(({ productId }) => productId))], scope);
    if (catalogue.kind !== "priced") throw catalogueSilent(catalogue.kind);

    const command = { orderId: deps.newOrderId(), customerId, items, expectedTotal, paymentMethod };
    const placed = placeOrder(command, catalogue.products);
    if (placed.kind !== "placed") throw orderRefused(placed);
    return answer(await deps.acceptOrder({ key, order: placed.order, responseTo }, scope), idempotencyKey);
  };
}

/** The first answer is read back like a repeated one: their bytes are equal. */
function answer(outcome: AcceptOutcome, idempotencyKey: string): CreateOrderResponse {
  switch (outcome.kind) {
    case "accepted":
    case "repeated":
      return CreateOrderResponse.decode(outcome.response);
    case "key_reused":
      throw keyReused(idempotencyKey);
    case "key_in_use":
      throw keyInUse(idempotencyKey);
    default:
      return outcome satisfies never;
  }
}

function responseTo(order: Order): Uint8Array {
  return CreateOrderResponse.encode({ order: orderToProto(order) }).finish();
}

/** The generated encoder writes fields in the order of their numbers and knows no others: equal requests, equal bytes. */
function hashOf(request: CreateOrderRequest): Uint8Array {
  return createHash("sha256").update(CreateOrderRequest.encode(request).finish()).digest();
}
