import type { CaptureEffect, RefundEffect } from "@holdfast/payment-provider";
import type { Books } from "./books.ts";
import type { Violation } from "./violation.ts";

/** The ledger's lines about one effect of the provider. */
interface Posted {
  effect_id: string;
  order_id: string;
  currency_code: string;
  customer: bigint;
  merchant: bigint;
}

/**
 * I2, against the provider: each capture and refund that it made stands in the ledger once, with its amount, and nothing
 * else does. An effect that the payment service has not been told of yet is left out.
 */
export async function checkLedgerMatchesProvider({ payments, provider, orders }: Books): Promise<Violation[]> {
  const posted = await payments.query<Posted>(`
    select provider_effect_id as effect_id, order_id, e.currency_code,
           coalesce(sum(e.amount) filter (where account = 'customer'), 0)::bigint as customer,
           coalesce(sum(e.amount) filter (where account = 'merchant'), 0)::bigint as merchant
      from ledger_entries e join transactions t on t.id = e.transaction_id
     group by provider_effect_id, order_id, e.currency_code
     order by provider_effect_id`);
  const inFlight = await payments.query<{ order_id: string }>(`
    select order_id from transactions where state = 'PENDING'
     union select order_id from refunds r join transactions t on t.id = r.transaction_id where r.state = 'PENDING'`);

  const ids = new Set(posted.map(({ effect_id: id }) => id));
  const waiting = new Set(inFlight.map(({ order_id: id }) => id));
  for (const order of orders.values()) if (!order.isTerminal) waiting.add(order.id);
  const unposted = [...provider.byId.values()].filter((effect) => !ids.has(effect.id) && !waiting.has(effect.order_id));
  return [
    ...posted.flatMap((lines) => faultsOf(lines, provider.byId.get(lines.effect_id))),
    ...unposted.map((effect) =>
      violation(effect.id, `the provider's ${effect.type} for ${effect.order_id} is not in the ledger`),
    ),
  ];
}

function faultsOf(lines: Posted, effect: CaptureEffect | RefundEffect | undefined): Violation[] {
  const { effect_id: id, order_id: orderId, currency_code: currency, customer, merchant } = lines;
  if (effect === undefined) return [violation(id, `the ledger has it for ${orderId}, the provider has not`)];
  const faults: Violation[] = [];
  const toMerchant = BigInt(effect.amount_minor) * (effect.type === "capture" ? 1n : -1n);
  if (merchant !== toMerchant || customer !== -toMerchant || currency !== effect.currency_code) {
    const really = `${toMerchant} ${effect.currency_code}`;
    faults.push(violation(id, `the ledger moves ${merchant} ${currency} for ${orderId}, the provider ${really}`));
  }
  if (orderId !== effect.order_id) {
    faults.push(violation(id, `the ledger has it for ${orderId}, the provider for ${effect.order_id}`));
  }
  return faults;
}

const violation = (subject: string, what: string): Violation => ({ invariant: "I2", subject, what });
