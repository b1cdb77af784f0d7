import { captureOf } from "./capture-of.fixture.ts";
import { writeCharge } from "./order-story.fixture.ts";
import { post } from "./post.fixture.ts";
import type { Spoiled } from "./spoiled.fixture.ts";
import { writeRefund } from "./write-refund.fixture.ts";

/** I1 to I3: what was captured, the payment service's books, and what is still open. */
export const spoiledMoney: Spoiled[] = [
  [
    "a second capture, which the ledger has too",
    "I1",
    "ord_confirmed",
    async (books) => {
      await books.provider.append(captureOf("ord_confirmed", "cap_again", "500"));
      await post(books.payment, { transactionId: "txn_confirmed", effectId: "cap_again" }, 500);
      const back = { name: "again", amount: 500, surplusCaptureId: "cap_again", state: "PENDING" } as const;
      await writeRefund(books, { orderId: "ord_confirmed", ...back });
    },
  ],
  [
    "a capture of more than the total",
    "I1",
    "ord_confirmed",
    ({ order }) => order("update orders set total_minor_units = 499 where id = 'ord_confirmed'"),
  ],
  [
    "a capture in another currency",
    "I1",
    "ord_confirmed",
    ({ order }) => order("update orders set currency_code = 'EUR' where id = 'ord_confirmed'"),
  ],
  [
    "a capture for an order that got lost",
    "I1",
    "ord_lost",
    (books) => writeCharge(books, { orderId: "ord_lost", key: "ord_lost:capture:1", amount: 250, outcome: "captured" }),
  ],
  [
    "a total that its lines do not come to",
    "I1",
    "ord_confirmed",
    ({ order }) => order("update order_lines set unit_price_minor_units = 249 where order_id = 'ord_confirmed'"),
  ],
  [
    "an order that says it has more lines",
    "I1",
    "ord_flying",
    ({ order }) => order("update orders set line_count = 2 where id = 'ord_flying'"),
  ],
  [
    "an order without any line",
    "I1",
    "ord_flying",
    ({ order }) => order("delete from order_lines where order_id = 'ord_flying'"),
  ],
  [
    "a ledger line alone",
    "I2",
    "txn_direct",
    ({ payment }) =>
      payment(
        "update ledger_entries set amount = amount + 1 where transaction_id = 'txn_direct' and id in (select min(id) from ledger_entries where account = 'customer' and transaction_id = 'txn_direct')",
      ),
  ],
  [
    "money left in clearing",
    "I2",
    "txn_direct",
    ({ payment }) => payment("delete from ledger_entries where transaction_id = 'txn_direct' and leg = 2"),
  ],
  [
    "a ledger whose currencies do not add up",
    "I2",
    "GBP",
    ({ payment }) =>
      payment(
        "update ledger_entries set currency_code = 'EUR' where transaction_id = 'txn_direct' and leg = 2 and account = 'merchant'",
      ),
  ],
  [
    "a ledger effect that the provider does not have",
    "I2",
    "cap_direct",
    ({ provider }) => provider.remove("cap_direct"),
  ],
  [
    "a provider's effect that the ledger does not have",
    "I2",
    "cap_direct",
    ({ payment }) => payment("delete from ledger_entries where transaction_id = 'txn_direct'"),
  ],
  [
    "a ledger effect with another amount than the provider's",
    "I2",
    "cap_direct",
    ({ payment }) => payment("update ledger_entries set amount = amount * 2 where transaction_id = 'txn_direct'"),
  ],
  [
    "a ledger effect of another order than the provider's",
    "I2",
    "cap_direct",
    ({ payment }) => payment("update transactions set order_id = 'ord_other' where id = 'txn_direct'"),
  ],
  [
    "a refund posted the wrong way round",
    "I2",
    "ref_refunded",
    ({ payment }) => payment("update ledger_entries set amount = -amount where provider_effect_id = 'ref_refunded'"),
  ],
  [
    "a refund that its transaction has forgotten",
    "I2",
    "txn_refunded",
    ({ payment }) => payment("update transactions set refunded = 0, state = 'COMPLETED' where id = 'txn_refunded'"),
  ],
  [
    "an amount that is reserved for no refund",
    "I2",
    "txn_direct",
    ({ payment }) => payment("update transactions set reserved = 100 where id = 'txn_direct'"),
  ],
  [
    "a transaction that is completed and was never captured",
    "I2",
    "txn_direct",
    async ({ provider, payment }) => {
      await provider.remove("cap_direct");
      await payment("delete from ledger_entries where transaction_id = 'txn_direct'");
    },
  ],
  [
    "a transaction that failed, and a capture that nobody gives back",
    "I2",
    "txn_direct",
    ({ payment }) =>
      payment(
        "update transactions set state = 'FAILED', decline_code = 'x', provider_capture_id = null where id = 'txn_direct'",
      ),
  ],
  [
    "a transaction that is refunded with an amount left, the constraint being gone",
    "I2",
    "txn_direct",
    async ({ payment }) => {
      await payment("alter table transactions drop constraint transactions_refunded_is_all");
      await payment("update transactions set state = 'REFUNDED' where id = 'txn_direct'");
    },
  ],
  [
    "a refund that is completed and never happened",
    "I2",
    "rfd_part",
    async (books) => {
      await writeRefund(books, { orderId: "ord_direct", name: "part", amount: 100, state: "COMPLETED" });
      await books.provider.remove("ref_part");
      await books.payment("delete from ledger_entries where refund_id = 'rfd_part'");
      await books.payment("update transactions set refunded = 0 where id = 'txn_direct'");
    },
  ],
  [
    "an order that does not get on",
    "I3",
    "ord_flying",
    ({ order }) => order("update orders set update_time = now() - interval '31 s' where id = 'ord_flying'"),
  ],
  [
    "a charge whose outcome nobody finds",
    "I3",
    "txn_flying",
    ({ payment }) => payment("update transactions set create_time = now() - interval '31 s' where id = 'txn_flying'"),
  ],
  [
    "a refund whose outcome nobody finds",
    "I3",
    "rfd_part",
    async (books) => {
      await writeRefund(books, { orderId: "ord_direct", name: "part", amount: 100, state: "PENDING" });
      await books.payment("update refunds set create_time = now() - interval '31 s'");
    },
  ],
];
