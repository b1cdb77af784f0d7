import type { Generated, IdempotencySchema } from "@holdfast/storage";
import type { CancelReason, OrderState } from "../domain/order.ts";
import type { SagaStep } from "../domain/saga/saga.ts";

/** The tables of migrations/. */
export interface Schema extends IdempotencySchema {
  orders: OrdersTable;
  order_lines: OrderLinesTable;
  customer_counters: { customer_id: string; last_sequence: bigint };
  order_events: OrderEventsTable;
  outbox: OutboxTable;
  idempotency_keys: IdempotencyKeysTable;
}

interface OrdersTable {
  id: string;
  customer_id: string;
  state: Generated<OrderState>;
  cancel_reason: CancelReason | null;
  currency_code: string;
  total_minor_units: bigint;
  payment_method: string;
  transaction_id: string | null;
  line_count: number;
  version: Generated<number>;
  create_time: Generated<Date>;
  update_time: Generated<Date>;
  step: Generated<SagaStep>;
  charge_started_at: Date | null;
  commit_started_at: Date | null;
  attempts: Generated<number>;
  next_run_at: Generated<Date | null>;
  lease_until: Date | null;
  fence: Generated<bigint>;
}

interface OrderLinesTable {
  order_id: string;
  line_number: number;
  product_id: string;
  name: string;
  quantity: number;
  unit_price_minor_units: bigint;
}

interface OrderEventsTable {
  order_id: string;
  sequence: number;
  state: OrderState;
  reason: CancelReason | null;
  customer_id: string;
  customer_sequence: bigint;
  time: Generated<Date>;
}

interface OutboxTable {
  id: Generated<bigint>;
  event_id: Generated<string>;
  order_id: string;
  sequence: number;
  routing_key: string;
  payload: string;
  created_at: Generated<Date>;
  sent_at: Date | null;
}

interface IdempotencyKeysTable {
  customer_id: string;
  method: string;
  key: string;
  request_hash: Buffer;
  response: Buffer;
  created_at: Generated<Date>;
}
