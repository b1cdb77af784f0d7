import { setTimeout } from "node:timers/promises";
import { type Books, type BooksLocation, openBooks } from "./books.ts";
import { checkCapturedOnce } from "./check-captured-once.ts";
import { checkEventLog } from "./check-event-log.ts";
import { checkIdempotencyRows } from "./check-idempotency-rows.ts";
import { checkLedgerBalances } from "./check-ledger-balances.ts";
import { checkLedgerMatchesProvider } from "./check-ledger-matches-provider.ts";
import { checkOrderTotals } from "./check-order-totals.ts";
import { checkOrdersEnd } from "./check-orders-end.ts";
import { checkOutcomesKnown } from "./check-outcomes-known.ts";
import { checkReservationsHaveOrders } from "./check-reservations-have-orders.ts";
import { checkStockAddsUp } from "./check-stock-adds-up.ts";
import { checkTerminalOrders } from "./check-terminal-orders.ts";
import { checkTransactionTotals } from "./check-transaction-totals.ts";
import type { Violation } from "./violation.ts";

const CHECKS = [
  checkCapturedOnce,
  checkOrderTotals,
  checkLedgerBalances,
  checkLedgerMatchesProvider,
  checkTransactionTotals,
  checkOrdersEnd,
  checkOutcomesKnown,
  checkTerminalOrders,
  checkStockAddsUp,
  checkReservationsHaveOrders,
  checkEventLog,
  checkIdempotencyRows,
];
/** I3: what must not stand still. */
const PROGRESS_CHECKS: ReadonlySet<(typeof CHECKS)[number]> = new Set([checkOrdersEnd, checkOutcomesKnown]);

export interface AuditOptions {
  /** Orders, charges and refunds that do not get on are no violation: services are down on purpose. @default false */
  inFlightOk?: boolean;
  /** What is found has to be found again after this time: work in flight moves on. Unit: milliseconds. @default 1_000 */
  recheckMs?: number;
  /** @default node's own */
  sleep?: (ms: number) => Promise<unknown>;
}

export interface AuditReport {
  readonly orders: number;
  readonly inFlight: number;
  /** Orders that the provider captured, cancelled ones included. */
  readonly charged: number;
  readonly ledgerRows: number;
  readonly violations: readonly Violation[];
}

/**
 * Checks I1 to I7 of a stack, whether it moves or rests. The books are read one after the other, so that something that moves can
 * look wrong once: only what looks wrong each of three times is a violation.
 */
export async function audit(location: BooksLocation, options: AuditOptions = {}): Promise<AuditReport> {
  const { inFlightOk = false, recheckMs = 1_000, sleep = setTimeout } = options;
  let report = await auditOnce(location, inFlightOk);
  for (let again = 0; again < 2 && report.violations.length > 0; again++) {
    await sleep(recheckMs);
    const suspects = new Set(report.violations.map(({ invariant, subject }) => `${invariant} ${subject}`));
    const next = await auditOnce(location, inFlightOk);
    const confirmed = next.violations.filter(({ invariant, subject }) => suspects.has(`${invariant} ${subject}`));
    report = { ...next, violations: confirmed };
  }
  return report;
}

async function auditOnce(location: BooksLocation, inFlightOk: boolean): Promise<AuditReport> {
  await using books = await openBooks(location);
  const violations: Violation[] = [];
  for (const check of CHECKS) {
    if (inFlightOk && PROGRESS_CHECKS.has(check)) continue;
    violations.push(...(await check(books)));
  }
  const orders = [...books.orders.values()];
  return {
    orders: orders.length,
    inFlight: orders.filter(({ isTerminal }) => !isTerminal).length,
    charged: orders.filter(({ id }) => books.provider.capturesOfOrder.has(id)).length,
    ledgerRows: await countLedgerRows(books),
    violations,
  };
}

async function countLedgerRows({ payments }: Books): Promise<number> {
  const [row] = await payments.query<{ n: bigint }>("select count(*) as n from ledger_entries");
  return Number(row?.n ?? 0);
}
