import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Handlers } from "@holdfast/rpc";
import type { ReserveOutcome, StockItem } from "../domain/reservation.ts";
import type { Scope } from "../domain/scope.ts";
import { outOfStock, productNotFound, reservationMismatch, reservationReleased } from "./errors.ts";
import { reservationToProto } from "./to-proto.ts";

export type ReserveStock = (scope: Scope, orderId: string, items: readonly StockItem[]) => Promise<ReserveOutcome>;

/** ReserveStock: all items of an order, or none. */
export function reserveStock({
  reserve,
}: {
  reserve: ReserveStock;
}): Handlers<typeof ProductServiceDefinition>["reserveStock"] {
  return async ({ orderId, items }, { deadline, signal }) => {
    const outcome = await reserve({ deadline, signal }, orderId, items);
    switch (outcome.kind) {
      case "reserved":
        return { reservation: reservationToProto(outcome.reservation) };
      case "released":
        throw reservationReleased(orderId);
      case "mismatch":
        throw reservationMismatch(orderId);
      case "product_not_found":
        throw productNotFound(outcome.productId);
      case "out_of_stock":
        throw outOfStock(outcome.productId, outcome.available, outcome.requested);
      default:
        return outcome satisfies never;
    }
  };
}
