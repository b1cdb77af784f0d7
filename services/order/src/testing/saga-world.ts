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

  /** What is left with us of all that was captured, in captures. */
  get netCaptured(): number {
    return this.captures - this.refunds;
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
        return { step, answer: this.#told(this.#charge(call.idempotencyKey), fate) };
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

  #charge(key: string): Charge {
    const known = this.#charges.get(key);
    if (known !== undefined) return known;
    const charge: Charge = { transactionId: `txn_${this.#charges.size}`, state: "pending" };
    this.#charges.set(key, charge);
    return charge;
  }

  #told(charge: Charge, fate: Fate): ChargeAnswer {
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
