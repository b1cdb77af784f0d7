import { answerAbout, type TestBooks } from "./books.fixture.ts";
import { post } from "./post.fixture.ts";
import { writeRefund } from "./write-refund.fixture.ts";

/** An order as it is to stand in the books. One item of `prod_a`, 250 minor units each. */
export interface OrderStory {
  readonly id: string;
  /** The states that it went through. */
  readonly states: readonly string[];
  readonly reason?: string;
  readonly quantity: number;
  readonly reservation: "RESERVED" | "COMMITTED" | "RELEASED";
  readonly payment: "none" | "captured" | "refunded" | "declined" | "captured, not known yet";
}

const UNIT_PRICE = 250;

/** Writes an order into all books. Its customer is `cus_<id>`, its key `key_<id>`. */
export async function writeOrder(books: TestBooks, story: OrderStory): Promise<void> {
  await writeOrderBook(books, story);
  await writeReservation(books, story);
  await writePayment(books, story);
}

async function writeOrderBook({ order }: TestBooks, { id, states, reason, quantity }: OrderStory) {
  const state = states.at(-1) ?? "PENDING";
  const isTerminal = state === "CONFIRMED" || state === "CANCELLED";
  await order(
    `insert into orders (id, customer_id, state, cancel_reason, currency_code, total_minor_units, payment_method,
       transaction_id, line_count, version, step, charge_started_at, commit_started_at, next_run_at)
     values ($1, $2, $3, $4, 'GBP', $5, 'pm_card_ok', $6, 1, $7, $8, now(), now(), $9)`,
    [
      id,
      `cus_${id}`,
      state,
      reason ?? null,
      quantity * UNIT_PRICE,
      `txn_${id.slice(4)}`,
      states.length,
      isTerminal ? "none" : "ask_charge",
      isTerminal ? null : new Date(),
    ],
  );
  await order("insert into order_lines values ($1, 1, 'prod_a', 'A', $2, $3)", [id, quantity, UNIT_PRICE]);
  for (const [index, state] of states.entries()) {
    const sequence = index + 1;
    await order("insert into order_events values ($1, $2, $3, $4, $5, $6)", [
      id,
      sequence,
      state,
      state === "CANCELLED" ? reason : null,
      `cus_${id}`,
      sequence,
    ]);
    await order("insert into outbox (order_id, sequence, routing_key, payload) values ($1, $2, 'order.x', '{}')", [
      id,
      sequence,
    ]);
  }
  await order("insert into idempotency_keys values ($1, 'CreateOrder', $2, '', $3)", [
    `cus_${id}`,
    `key_${id}`,
    answerAbout(id),
  ]);
}

async function writeReservation({ product }: TestBooks, { id, reservation, quantity }: OrderStory) {
  await product("insert into reservation (order_id, state) values ($1, $2)", [id, reservation]);
  await product("insert into reservation_item values ($1, 'prod_a', $2)", [id, quantity]);
  const column = { RESERVED: "reserved", COMMITTED: "sold", RELEASED: undefined }[reservation];
  if (column === undefined) return;
  await product(`update product set ${column} = ${column} + $1::int, stock = stock - $1::int where id = 'prod_a'`, [
    quantity,
  ]);
}

async function writePayment(books: TestBooks, { id, quantity, payment }: OrderStory) {
  if (payment === "none") return;
  const amount = quantity * UNIT_PRICE;
  await writeCharge(books, { orderId: id, key: `${id}:capture:1`, amount, outcome: payment });
}

export interface Charge {
  readonly orderId: string;
  readonly key: string;
  readonly amount: number;
  readonly outcome: Exclude<OrderStory["payment"], "none">;
}

/** Writes a charge into the payment service's books and the provider's. Its ids are made of the order's. */
export async function writeCharge(books: TestBooks, { orderId, key, amount, outcome }: Charge) {
  const { payment, provider } = books;
  const [name, transactionId] = [orderId.slice(4), `txn_${orderId.slice(4)}`];
  const payer = {
    idempotency_key: key,
    order_id: orderId,
    amount_minor: String(amount),
    currency_code: "GBP",
    customer_id: `cus_${orderId}`,
    payment_method: "pm_card_ok",
  };
  const settled = {
    captured: "COMPLETED",
    refunded: "COMPLETED",
    declined: "FAILED",
    "captured, not known yet": "PENDING",
  };
  const state = settled[outcome];
  const isCaptured = state === "COMPLETED";
  await payment(
    `insert into transactions (id, customer_id, order_id, idempotency_key, request_hash, amount, currency_code,
       payment_method, state, decline_code, provider_capture_id, next_run_at)
     values ($1, $2, $3, $4, '', $5, 'GBP', 'pm_card_ok', $6, $7, $8, $9)`,
    [
      transactionId,
      payer.customer_id,
      orderId,
      key,
      amount,
      state,
      state === "FAILED" ? "declined" : null,
      isCaptured ? `cap_${name}` : null,
      state === "PENDING" ? new Date() : null,
    ],
  );
  if (state === "FAILED")
    await provider.append({ ...payer, type: "decline", id: `dec_${name}`, decline_code: "declined" });
  else await provider.append({ ...payer, type: "capture", id: `cap_${name}` });
  if (isCaptured) await post(payment, { transactionId, effectId: `cap_${name}` }, amount);
  if (outcome === "refunded") await writeRefund(books, { orderId, name, amount, state: "COMPLETED" });
}

/** A product, and an order for each way that one can end, one in flight, and a charge that somebody made directly. */
export async function writeConsistentBooks(books: TestBooks): Promise<void> {
  await books.product(
    `insert into product (id, sku, name, description, currency_code, price_minor_units, received, stock)
     values ('prod_a', 'A', 'A', '', 'GBP', $1, 100, 100)`,
    [UNIT_PRICE],
  );
  const paid = ["PENDING", "STOCK_RESERVED", "PAID"];
  await writeOrder(books, {
    id: "ord_confirmed",
    states: [...paid, "CONFIRMED"],
    quantity: 2,
    reservation: "COMMITTED",
    payment: "captured",
  });
  await writeOrder(books, {
    id: "ord_refunded",
    states: [...paid, "CANCELLED"],
    reason: "CUSTOMER_REQUEST",
    quantity: 3,
    reservation: "RELEASED",
    payment: "refunded",
  });
  await writeOrder(books, {
    id: "ord_declined",
    states: ["PENDING", "STOCK_RESERVED", "CANCELLED"],
    reason: "PAYMENT_DECLINED",
    quantity: 4,
    reservation: "RELEASED",
    payment: "declined",
  });
  await writeOrder(books, {
    id: "ord_flying",
    states: ["PENDING", "STOCK_RESERVED"],
    quantity: 5,
    reservation: "RESERVED",
    payment: "captured, not known yet",
  });
  await writeCharge(books, { orderId: "ord_direct", key: "by-hand", amount: 700, outcome: "captured" });
}
