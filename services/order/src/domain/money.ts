/** An amount in whole minor units (pence, cents) of one currency. */
export interface Money {
  /** ISO 4217, upper case. */
  readonly currencyCode: string;
  readonly minorUnits: bigint;
}

/** Whether both are the same amount of the same currency. */
export function sameMoney(a: Money, b: Money): boolean {
  return a.currencyCode === b.currencyCode && a.minorUnits === b.minorUnits;
}
