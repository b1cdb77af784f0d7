import { type NotSold, notSold as notSoldOf } from "./not-sold.ts";
import type { OrderOutcome } from "./order-outcome.ts";
import type { PlannedOrder } from "./orders-of.ts";
import { formatPence, MICROS_PER_PENNY } from "./parse-price.ts";
import type { Day } from "./read-day.ts";

/** What became of a day. */
export interface ReplayedDay {
  readonly day: Day;
  /** One for each of the day's orders, in their order. */
  readonly outcomes: readonly OrderOutcome[];
  readonly elapsedMs: number;
  readonly lateMs: number;
}

export interface Summary {
  /** Orders by how they ended, such as "CANCELLED CUSTOMER_REQUEST" → 5. */
  readonly ends: ReadonlyMap<string, number>;
  /** What the server charged for the sales that are CONFIRMED. */
  readonly salesPence: bigint;
  /** Sales that are CANCELLED, by reason. */
  readonly notSold: ReadonlyMap<string, NotSold>;
  readonly notSoldPence: bigint;
  /** What it priced the returns at. */
  readonly returnsPence: bigint;
  /** Whether sales + what was not sold − returns + rows left out is the file's total, to the penny. */
  readonly addsUp: boolean;
  /** One sentence for each thing that is not as it should be. */
  readonly findings: readonly string[];
}

/** Counts a day's outcomes and compares the money with the file's. Its sales were paid with `paymentMethod`. */
export function summarize({ day, outcomes }: ReplayedDay, paymentMethod: string): Summary {
  const ends = new Map<string, number>();
  const findings: string[] = [];
  let salesPence = 0n;
  let returnsPence = 0n;
  for (const [index, order] of day.orders.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) throw new RangeError(`Order "${order.name}" has no outcome`);
    const end = endOf(outcome);
    ends.set(end, (ends.get(end) ?? 0) + 1);
    findings.push(...findingsOf(order, outcome));
    if (outcome.kind !== "terminal") continue;
    if (order.isReturn) returnsPence += outcome.totalPence;
    else if (outcome.state === "CONFIRMED") salesPence += outcome.totalPence;
  }
  const notSold = notSoldOf(day.orders, outcomes);
  findings.push(...notSoldFindings(notSold, paymentMethod));
  const notSoldPence = [...notSold.values()].reduce((sum, { pence }) => sum + pence, 0n);
  const orderedMicros = (salesPence + notSoldPence - returnsPence) * MICROS_PER_PENNY;
  const addsUp = orderedMicros + day.leftOutMicros === day.fileMicros;
  if (!addsUp) findings.push(`The money of "${day.path}" does not add up`);
  return { ends, salesPence, notSold, notSoldPence, returnsPence, addsUp, findings };
}

/** The catalogue has all units of the file, nobody cancels a sale, and one card is never declined: these are all sold. */
function notSoldFindings(notSold: Summary["notSold"], paymentMethod: string): string[] {
  const findings: string[] = [];
  for (const [reason, { orders, pence, example }] of notSold) {
    if (reason === "") continue; // said of each of them
    if (reason === "PAYMENT_DECLINED" && paymentMethod !== "pm_card_ok") continue;
    const which = `${orders} of the sales, £${formatPence(pence)}, such as invoice ${example}`;
    findings.push(`Not sold, ${reason}: ${which}; neither the stock nor ${paymentMethod} explains it`);
  }
  return findings;
}

function endOf(outcome: OrderOutcome): string {
  switch (outcome.kind) {
    case "terminal":
      return `${outcome.state} ${outcome.reason}`.trim();
    case "not terminal":
      return `NOT TERMINAL ${outcome.state}`;
    case "refused":
    case "given up":
      return `${outcome.kind} ${outcome.error.reason}`.trim().toUpperCase();
    default:
      return outcome satisfies never;
  }
}

function findingsOf(order: PlannedOrder, outcome: OrderOutcome): string[] {
  switch (outcome.kind) {
    case "terminal":
      if (outcome.state === "CANCELLED" && outcome.reason === "") {
        return [`Invoice ${order.name} (${outcome.orderId}) is CANCELLED without a reason`];
      }
      if (outcome.totalPence === order.totalPence) return [];
      return [`Invoice ${order.name} (${outcome.orderId}) costs ${formatPence(outcome.totalPence)}, not its total`];
    case "not terminal":
      return [`Invoice ${order.name} (${outcome.orderId}) is still ${outcome.state}`];
    case "refused":
    case "given up":
      return [`Invoice ${order.name} is ${outcome.kind}: ${outcome.error.message}`];
    default:
      return outcome satisfies never;
  }
}
