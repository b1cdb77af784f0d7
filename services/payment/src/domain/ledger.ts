import type { Money } from "./money.ts";

/** The customer pays into clearing, and clearing passes it on to the merchant: two legs, each of which adds up to 0. */
export const Account = { Customer: "customer", Clearing: "clearing", Merchant: "merchant" } as const;
export type Account = (typeof Account)[keyof typeof Account];

/** One line of the ledger. */
export interface Posting {
  readonly leg: 1 | 2;
  readonly account: Account;
  /** Signed minor units, never 0. */
  readonly amount: bigint;
  readonly currencyCode: string;
}

/** What a capture moves: from the customer through clearing to the merchant. */
export function capturePostings({ minorUnits, currencyCode }: Money): readonly Posting[] {
  return [
    { leg: 1, account: Account.Customer, amount: -minorUnits, currencyCode },
    { leg: 1, account: Account.Clearing, amount: minorUnits, currencyCode },
    { leg: 2, account: Account.Clearing, amount: -minorUnits, currencyCode },
    { leg: 2, account: Account.Merchant, amount: minorUnits, currencyCode },
  ];
}

/** What a refund moves: the way back. */
export function refundPostings(amount: Money): readonly Posting[] {
  return capturePostings(amount).map((posting) => ({ ...posting, amount: -posting.amount }));
}
