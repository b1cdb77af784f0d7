import { answerAbout } from "./books.fixture.ts";
import type { Spoiled } from "./spoiled.fixture.ts";
import { writeRefund } from "./write-refund.fixture.ts";

/** I4 to I7: how orders ended, their stock, their events, and the answers about them. */
export const spoiledOrders: Spoiled[] = [
  [
    "a confirmed order without a capture",
    "I4",
    "ord_confirmed",
    async ({ provider, payment }) => {
      await provider.remove("cap_confirmed");
      await payment("delete from ledger_entries where transaction_id = 'txn_confirmed'");
      await payment("delete from transactions where id = 'txn_confirmed'");
    },
  ],
  [
    "a cancelled order that was not refunded",
    "I4",
    "ord_refunded",
    async ({ provider, payment }) => {
      await provider.remove("ref_refunded");
      await payment("delete from ledger_entries where provider_effect_id = 'ref_refunded'");
      await payment("delete from refunds where id = 'rfd_refunded'");
      await payment("update transactions set refunded = 0, state = 'COMPLETED' where id = 'txn_refunded'");
    },
  ],
  [
    "a confirmed order that was refunded",
    "I4",
    "ord_confirmed",
    (books) => writeRefund(books, { orderId: "ord_confirmed", name: "confirmed", amount: 500, state: "COMPLETED" }),
  ],
  [
    "a confirmed order whose stock was given back",
    "I4",
    "ord_confirmed",
    async ({ product }) => {
      await product("update reservation set state = 'RELEASED' where order_id = 'ord_confirmed'");
      await product("update product set sold = sold - 2, stock = stock + 2");
    },
  ],
  [
    "a confirmed order whose stock was never taken",
    "I4",
    "ord_confirmed",
    async ({ product }) => {
      await product("delete from reservation_item where order_id = 'ord_confirmed'");
      await product("delete from reservation where order_id = 'ord_confirmed'");
      await product("update product set sold = sold - 2, stock = stock + 2");
    },
  ],
  [
    "a confirmed order that was sold another quantity",
    "I4",
    "ord_confirmed",
    async ({ product }) => {
      await product("update reservation_item set quantity = 3 where order_id = 'ord_confirmed'");
      await product("update product set sold = sold + 1, stock = stock - 1");
    },
  ],
  [
    "a cancelled order that still keeps stock",
    "I4",
    "ord_declined",
    async ({ product }) => {
      await product("update reservation set state = 'RESERVED' where order_id = 'ord_declined'");
      await product("update product set reserved = reserved + 4, stock = stock - 4");
    },
  ],
  [
    "stock below 0, the constraint being gone",
    "I5",
    "prod_a",
    async ({ product }) => {
      await product("alter table product drop constraint product_stock_not_negative");
      await product("update product set stock = -1, received = -1 + reserved + sold");
    },
  ],
  [
    "units that are nowhere, the constraint being gone",
    "I5",
    "prod_a",
    async ({ product }) => {
      await product("alter table product drop constraint product_stock_adds_up");
      await product("update product set stock = stock - 1");
    },
  ],
  [
    "units sold to nobody",
    "I5",
    "prod_a",
    ({ product }) => product("update product set sold = sold + 1, stock = stock - 1"),
  ],
  [
    "units reserved for nobody",
    "I5",
    "prod_a",
    ({ product }) => product("update product set reserved = reserved + 1, stock = stock - 1"),
  ],
  [
    "units reserved for an order that got lost",
    "I5",
    "ord_lost",
    async ({ product }) => {
      await product("insert into reservation (order_id, state) values ('ord_lost', 'RESERVED')");
      await product("insert into reservation_item values ('ord_lost', 'prod_a', 6)");
      await product("update product set reserved = reserved + 6, stock = stock - 6");
    },
  ],
  [
    "units sold to an order that got lost",
    "I5",
    "ord_lost",
    async ({ product }) => {
      await product("insert into reservation (order_id, state) values ('ord_lost', 'COMMITTED')");
      await product("insert into reservation_item values ('ord_lost', 'prod_a', 6)");
      await product("update product set sold = sold + 6, stock = stock - 6");
    },
  ],
  [
    "a gap in the log",
    "I6",
    "ord_confirmed",
    async ({ order }) => {
      await order("delete from outbox where order_id = 'ord_confirmed' and sequence = 2");
      await order("delete from order_events where order_id = 'ord_confirmed' and sequence = 2");
    },
  ],
  [
    "an illegal transition",
    "I6",
    "ord_confirmed",
    ({ order }) => order("update order_events set state = 'PAID' where order_id = 'ord_confirmed' and sequence = 2"),
  ],
  [
    "a log that goes on after the end",
    "I6",
    "ord_declined",
    async ({ order }) => {
      await order("insert into order_events values ('ord_declined', 4, 'CANCELLED', 'EXPIRED', 'cus_ord_declined', 4)");
      await order(
        "insert into outbox (order_id, sequence, routing_key, payload) values ('ord_declined', 4, 'order.x', '{}')",
      );
      await order("update orders set version = 4 where id = 'ord_declined'");
    },
  ],
  [
    "a version without its event",
    "I6",
    "ord_confirmed",
    ({ order }) => order("update orders set version = 5 where id = 'ord_confirmed'"),
  ],
  [
    "a log that does not end with the order's state",
    "I6",
    "ord_flying",
    ({ order }) => order("update orders set state = 'PAID' where id = 'ord_flying'"),
  ],
  [
    "an order without any event",
    "I6",
    "ord_flying",
    async ({ order }) => {
      await order("delete from outbox where order_id = 'ord_flying'");
      await order("delete from order_events where order_id = 'ord_flying'");
    },
  ],
  [
    "an event that nobody would be told of",
    "I6",
    "ord_confirmed",
    ({ order }) => order("delete from outbox where order_id = 'ord_confirmed' and sequence = 4"),
  ],
  [
    "a gap in a customer's numbers",
    "I6",
    "cus_ord_confirmed",
    ({ order }) =>
      order("update order_events set customer_sequence = 9 where order_id = 'ord_confirmed' and sequence = 4"),
  ],
  [
    "an order without an idempotency key",
    "I7",
    "ord_confirmed",
    ({ order }) => order("delete from idempotency_keys where key = 'key_ord_confirmed'"),
  ],
  [
    "an answer about an order that is not there",
    "I7",
    "ord_lost",
    ({ order }) =>
      order("insert into idempotency_keys values ('cus', 'CreateOrder', 'key', '', $1)", [answerAbout("ord_lost")]),
  ],
  [
    "one order under two keys",
    "I7",
    "ord_confirmed",
    ({ order }) =>
      order("insert into idempotency_keys values ('cus_ord_confirmed', 'CreateOrder', 'key', '', $1)", [
        answerAbout("ord_confirmed"),
      ]),
  ],
  [
    "another customer's order as an answer",
    "I7",
    "ord_confirmed",
    ({ order }) => order("update idempotency_keys set customer_id = 'cus_other' where key = 'key_ord_confirmed'"),
  ],
];
