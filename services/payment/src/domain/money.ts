/** An amount in whole minor units of one ISO 4217 currency. */
export interface Money {
  readonly currencyCode: string;
  readonly minorUnits: bigint;
}
