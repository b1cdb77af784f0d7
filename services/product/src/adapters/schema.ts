import type { Generated } from "@holdfast/storage";

/** The service's tables, as Kysely reads them. The migrations say what each column means. */
export interface Schema {
  product: {
    id: string;
    sku: string;
    name: string;
    description: string;
    currency_code: string;
    price_minor_units: bigint;
    received: bigint;
    stock: bigint;
    reserved: Generated<bigint>;
    sold: Generated<bigint>;
    stock_version: Generated<bigint>;
    in_stock: Generated<boolean>;
    create_time: Generated<Date>;
    update_time: Generated<Date>;
  };
  reservation: {
    order_id: string;
    state: "RESERVED" | "COMMITTED" | "RELEASED";
    create_time: Generated<Date>;
    update_time: Generated<Date>;
  };
  reservation_item: { order_id: string; product_id: string; quantity: bigint };
  idempotency_key: {
    method: string;
    key: string;
    request_hash: Uint8Array;
    response: Uint8Array;
    create_time: Generated<Date>;
  };
}
