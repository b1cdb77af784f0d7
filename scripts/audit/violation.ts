/** Something that the design says cannot be (orders-and-money.md, I1 to I7). */
export interface Violation {
  readonly invariant: "I1" | "I2" | "I3" | "I4" | "I5" | "I6" | "I7";
  /** The id that it is about: an order, a transaction, a refund, an effect of the provider, a product. */
  readonly subject: string;
  /** What is wrong with it, for people. */
  readonly what: string;
}
