import type { Product as ProtoProduct } from "@holdfast/contracts/ecommerce/product/v1/product";
import {
  Reservation_State as ProtoState,
  type Reservation as ProtoReservation,
} from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Product } from "../domain/product.ts";
import type { Reservation, ReservationState } from "../domain/reservation.ts";

const INT32_MAX = 2 ** 31 - 1;

const STATES: Record<ReservationState, ProtoState> = {
  RESERVED: ProtoState.STATE_RESERVED,
  COMMITTED: ProtoState.STATE_COMMITTED,
  RELEASED: ProtoState.STATE_RELEASED,
};

export function productToProto(product: Product): ProtoProduct {
  const { id, sku, name, description, price, createTime, updateTime } = product;
  return {
    id,
    sku,
    name,
    description,
    price: { ...price },
    stock: stockToProto(product.stock),
    createTime,
    updateTime,
  };
}

/** Imports and released orders together can make more than an int32 holds; it is enough to sell from. */
export function stockToProto(stock: number): number {
  return Math.min(stock, INT32_MAX);
}

export function reservationToProto({ orderId, state, items }: Reservation): ProtoReservation {
  return { orderId, state: STATES[state], items: items.map((item) => ({ ...item })) };
}
