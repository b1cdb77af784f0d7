import { captureKey } from "../domain/saga/charge-key.ts";
import { type Answer, type Call, type ChargeAnswer, SagaStep } from "../domain/saga/saga.ts";

/** What the neighbours are free to do with a call that reaches them. */
export interface Fate {
  /** The stock has, or the card is good for, what is asked. */
  readonly accepts: boolean;
  /** The payment provider does not know yet. */
  readonly undecided: boolean;
  /** Done or not, the answer does not come back. */
  readonly answerLost: boolean;
}

interface Charge {
  readonly transactionId: string;
  state: "pending" | "completed" | "declined" | "refunded";
  /** Somebody else's, for something else. */
  readonly foreign: boolean;
}

/**
 * Payment and stock as their contracts say: each call works once per key, whenever and however often it arrives. Beyond
 * the contracts it would charge an order twice under two keys, so that a saga that tries is found out.
 */
export class SagaWorld {
  stock: "none" | "reserved" | "committed" | "released" = "none";
  captures = 0;
  refunds = 0;
  readonly #charges = new Map<string, Charge>();
  /** A charge of the order that somebody else has made under a key of his own. While it is pending it may be declined. */
  #elsewhere: "none" | "pending" | "completed" = "none";

  /** What is left with us of all that was captured, in captures. */
  get netCaptured(): number {
    return this.captures - this.refunds;
  }

  /** Somebody else charges something else under the order's key, if he is the first. */
  takeKey(): void {
    const key = captureKey("ord_1");
    if (this.#charges.has(key)) return;
    this.#charges.set(key, { transactionId: "txn_foreign", state: "completed", foreign: true });
  }

  /** Somebody else charges the order under another key: refused where a charge of it has not failed. */
  chargeElsewhere(): void {
    const open = [...this.#charges.values()].some(({ state, foreign }) => state !== "declined" && !foreign);
    if (this.#elsewhere === "none" && !open) this.#elsewhere = "pending";
  }

  /** That charge comes to its end. */
  settleElsewhere(completes: boolean): void {
    if (this.#elsewhere === "pending") this.#elsewhere = completes ? "completed" : "none";
  }

  /** Carries the call out. */
  receive(call: Call, fate: Fate): Answer {
    const answer = this.#carryOut(call, fate);
    return fate.answerLost ? unknownAnswer(call) : answer;
  }

  #carryOut(call: Call, fate: Fate): Answer {
    const { step } = call;
    switch (step) {
      case SagaStep.ReserveStock:
        if (this.stock === "none" && fate.accepts) this.stock = "reserved";
        return { step, answer: { kind: this.stock === "none" || this.stock === "released" ? "refused" : "reserved" } };
      case SagaStep.CommitStock:
        if (this.stock === "reserved") this.stock = "committed";
        return { step, answer: { kind: this.stock === "committed" ? "committed" : "refused" } };
      case SagaStep.ReleaseStock:
        if (this.stock === "committed") return { step, answer: { kind: "unknown", why: "RESERVATION_COMMITTED" } };
        this.stock = "released";
        return { step, answer: { kind: "released" } };
      case SagaStep.Charge:
        return { step, answer: this.#charge(call.idempotencyKey, fate) };
      case SagaStep.AskCharge: {
        const charge = this.#charges.get(call.idempotencyKey);
        return { step, answer: charge === undefined ? { kind: "not_found" } : this.#told(charge, fate) };
      }
      case SagaStep.Refund: {
        const charge = [...this.#charges.values()].find((it) => it.transactionId === call.transactionId);
        if (charge?.state === "completed") {
          charge.state = "refunded";
          this.refunds += 1;
        }
        return { step, answer: { kind: "refunded" } };
      }
      default:
        return step satisfies never;
    }
  }

  #charge(key: string, fate: Fate): ChargeAnswer {
    const known = this.#charges.get(key);
    if (known?.foreign) return { kind: "unknown", why: "IDEMPOTENCY_KEY_REUSED" };
    if (known !== undefined) return this.#told(known, fate);
    if (this.#elsewhere === "pending") return { kind: "unknown", why: "ORDER_ALREADY_CHARGED" };
    if (this.#elsewhere === "completed") return { kind: "blocked", why: "ORDER_ALREADY_CHARGED" };
    const charge: Charge = { transactionId: `txn_${this.#charges.size}`, state: "pending", foreign: false };
    this.#charges.set(key, charge);
    return this.#told(charge, fate);
  }

  #told(charge: Charge, fate: Fate): ChargeAnswer {
    if (charge.foreign) {
      return { kind: "blocked", why: "KEY_TAKEN", transactionId: charge.transactionId, otherOrderId: "ord_other" };
    }
    if (charge.state === "pending" && !fate.undecided) {
      charge.state = fate.accepts ? "completed" : "declined";
      if (fate.accepts) this.captures += 1;
    }
    const { transactionId, state } = charge;
    return state === "pending" || state === "declined" ? { kind: state } : { kind: state, transactionId };
  }
}

/** What the saga sees of a call that timed out. */
export function unknownAnswer({ step }: Call): Answer {
  return { step, answer: { kind: "unknown", why: "DEADLINE_EXCEEDED" } };
}
