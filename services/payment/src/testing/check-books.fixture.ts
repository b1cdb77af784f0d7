import { sql } from "@holdfast/storage";
import type { TestProvider } from "./provider.fixture.ts";
import { openBooks, soon } from "./payment.fixture.ts";

/**
 * Compares the books with the provider's own file: every effect has its ledger lines and every ledger line its effect,
 * all adds up to 0, and nobody was charged twice or given back too much. Gives what is wrong.
 */
export async function violations(databaseUrl: string, provider: TestProvider): Promise<string[]> {
  await using db = openBooks(databaseUrl);
  const effects = (await provider.effects()).filter(({ type }) => type !== "decline");
  return db.transaction(soon(), async (tx) => {
    const wrong: string[] = [];
    const { rows: posted } = await sql<{ id: string; sum: bigint; moved: bigint; currency_code: string }>`
      select provider_effect_id as id, sum(amount)::bigint as sum, min(currency_code) as currency_code,
        coalesce(sum(amount) filter (where account = 'merchant'), 0)::bigint as moved
      from ledger_entries group by 1`.execute(tx);
    const byId = new Map(posted.map((row) => [row.id, row]));
    for (const { id, sum } of posted) if (sum !== 0n) wrong.push(`ledger of ${id} adds up to ${sum}`);
    for (const { id, type, amount_minor } of effects) {
      const moved = type === "capture" ? BigInt(amount_minor) : -BigInt(amount_minor);
      if (byId.get(id)?.moved !== moved) wrong.push(`${id} moved ${moved}, the ledger has ${byId.get(id)?.moved}`);
    }
    const happened = new Set(effects.map(({ id }) => id));
    for (const { id } of posted) if (!happened.has(id)) wrong.push(`the ledger has ${id}, the provider has not`);

    const net = new Map<string, bigint>();
    for (const { type, order_id, amount_minor } of effects) {
      const amount = type === "capture" ? BigInt(amount_minor) : -BigInt(amount_minor);
      net.set(order_id, (net.get(order_id) ?? 0n) + amount);
    }
    const charges = await tx.selectFrom("transactions").selectAll().execute();
    const believed = new Map<string, bigint>();
    for (const { order_id, provider_capture_id, amount, refunded } of charges) {
      if (provider_capture_id !== null) believed.set(order_id, (believed.get(order_id) ?? 0n) + amount - refunded);
    }
    for (const [orderId, amount] of net) {
      if (believed.get(orderId) !== amount) wrong.push(`${orderId}: took ${amount}, books ${believed.get(orderId)}`);
    }
    for (const { id, state } of charges) if (state === "PENDING") wrong.push(`${id} is still pending`);
    return wrong;
  });
}
