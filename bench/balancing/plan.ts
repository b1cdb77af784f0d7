/** How long a run takes. Unit: milliseconds, unless it says otherwise. */
export interface Plan {
  /** Of each client. Unit: calls per second. */
  perSecond: number;
  /** Before the fault, for connections and for Node's compiler. */
  leadInMs: number;
  faultMs: number;
  /** How long a killed instance is away. */
  killedMs: number;
  /** After it has healed. */
  afterMs: number;
  /** After there are more instances. */
  scaledMs: number;
  /** Of the DNS server. */
  dnsFaultMs: number;
}

/** What the figures are taken with. */
export const WHOLE: Plan = {
  perSecond: 200,
  leadInMs: 6_000,
  faultMs: 60_000,
  killedMs: 10_000,
  afterMs: 8_000,
  scaledMs: 15_000,
  dnsFaultMs: 60_000,
};

/** To see that it works, and for a first impression. */
export const QUICK: Plan = {
  perSecond: 200,
  leadInMs: 3_000,
  faultMs: 8_000,
  killedMs: 4_000,
  afterMs: 7_000,
  scaledMs: 12_000,
  dnsFaultMs: 20_000,
};
