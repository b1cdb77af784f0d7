import { type AuditOptions, audit } from "./audit.ts";
import type { BooksLocation } from "./books.ts";

/** Audits the books and prints what it finds. Returns whether nothing is wrong. */
export async function auditAndPrint(location: BooksLocation, options: AuditOptions = {}): Promise<boolean> {
  const { orders, inFlight, charged, ledgerRows, violations } = await audit(location, options);
  if (inFlight > 0) console.log(`${inFlight} orders are in flight`);
  for (const { invariant, subject, what } of violations) console.log(`! ${invariant} ${subject}: ${what}`);
  console.log(`orders ${orders} · charged ${charged} · ledger rows ${ledgerRows} · violations ${violations.length}`);
  return violations.length === 0;
}
