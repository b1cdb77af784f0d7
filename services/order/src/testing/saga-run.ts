import { isTerminal, OrderState, TRANSITIONS } from "../domain/order.ts";
import type { SagaEvent } from "../domain/saga/decide.ts";
import type { Decision } from "../domain/saga/decision.ts";
import type { Answer, Call, Saga } from "../domain/saga/saga.ts";
import { startSaga } from "../domain/saga/start-saga.ts";
import { type Fate, SagaWorld, unknownAnswer } from "./saga-world.ts";

export type Decide = (saga: Saga, event: SagaEvent) => Decision;

/** One thing that happens to an order. `at` picks one of what is under way. */
export type Happening =
  | { readonly kind: "run"; readonly expired: boolean }
  /** A call reaches its neighbour; `again`: a copy of it stays under way. */
  | { readonly kind: "arrive"; readonly at: number; readonly fate: Fate; readonly again: boolean }
  /** An answer reaches the saga; `again`: a copy of it comes later. */
  | { readonly kind: "answer"; readonly at: number; readonly again: boolean }
  /** The saga stops waiting for a call that is still under way. */
  | { readonly kind: "time_out"; readonly at: number }
  /** A call is lost on its way. */
  | { readonly kind: "lose"; readonly at: number }
  | { readonly kind: "cancel" }
  /** The process ends: what was not recorded is gone, and so are the answers on their way to it. */
  | { readonly kind: "crash" }
  /** Somebody gives the stock back by hand. */
  | { readonly kind: "release_by_hand" }
  /** Somebody else charges something else under the order's key. */
  | { readonly kind: "take_key" }
  /** Somebody else charges the order under another key. */
  | { readonly kind: "charge_elsewhere" }
  | { readonly kind: "settle_elsewhere"; readonly completes: boolean };

const KIND: Fate = { accepts: true, undecided: false, answerLost: false };
/** One charge and its question, one refund, two stock calls, and one run that only finds out; doubled. */
const MOST_CALM_RUNS = 12;

/** One order's life under a script of happenings, checked at every moment. */
export class SagaRun {
  readonly world = new SagaWorld();
  /** `PENDING>PAID` and `charge/completed`, as far as they were seen to change something. */
  readonly seen = new Set<string>();
  readonly #decide: Decide;
  #saga: Saga = startSaga("ord_1");
  #underWay: Call[] = [];
  #answers: Answer[] = [];

  constructor(decide: Decide) {
    this.#decide = decide;
  }

  happen(it: Happening): void {
    switch (it.kind) {
      case "run":
        return this.#apply({ kind: "run", expired: it.expired });
      case "arrive": {
        const call = pick(this.#underWay, it.at, it.again);
        if (call !== undefined) this.#answers.push(this.world.receive(call, it.fate));
        return this.check();
      }
      case "answer": {
        const answer = pick(this.#answers, it.at, it.again);
        if (answer !== undefined) this.#apply({ kind: "answered", ...answer });
        return;
      }
      case "time_out": {
        const call = pick(this.#underWay, it.at, true);
        if (call !== undefined) this.#apply({ kind: "answered", ...unknownAnswer(call) });
        return;
      }
      case "lose":
        pick(this.#underWay, it.at, false);
        return;
      case "cancel":
        return this.#apply({ kind: "cancel_requested" });
      case "crash":
        this.#answers = [];
        return;
      case "release_by_hand":
        if (this.world.stock === "reserved") this.world.stock = "released";
        return;
      case "take_key":
        return this.world.takeKey();
      case "charge_elsewhere":
        return this.world.chargeElsewhere();
      case "settle_elsewhere":
        return this.world.settleElsewhere(it.completes);
      default:
        return it satisfies never;
    }
  }

  /** The faults stop: the order has to end, and what was under way all the time must not change its end. */
  end(): void {
    const late = this.#underWay;
    this.#underWay = [];
    this.#answers = [];
    // What is under way of the order's own charge is free to capture then.
    this.world.settleElsewhere(false);
    for (let runs = 0; !isTerminal(this.#saga.state); runs++) {
      if (runs === MOST_CALM_RUNS) throw new Error(`does not end: ${JSON.stringify(this.#saga)}`);
      this.#apply({ kind: "run", expired: false });
      this.happen({ kind: "arrive", at: 0, fate: KIND, again: false });
      this.happen({ kind: "answer", at: 0, again: false });
    }
    for (const call of late) this.#apply({ kind: "answered", ...this.world.receive(call, KIND) });
    this.check();
  }

  /** The invariants, as far as they can be seen from outside. */
  check(): void {
    const { state } = this.#saga;
    const { captures, netCaptured, stock } = this.world;
    if (captures > 1) throw new Error("captured twice");
    if (state === OrderState.Confirmed && (netCaptured !== 1 || stock !== "committed")) {
      throw new Error(`CONFIRMED with ${netCaptured} captured and the stock ${stock}`);
    }
    if (state === OrderState.Cancelled && (netCaptured !== 0 || stock !== "released")) {
      throw new Error(`CANCELLED with ${netCaptured} captured and the stock ${stock}`);
    }
  }

  #apply(event: SagaEvent): void {
    const before = this.#saga;
    const { saga, effects } = this.#decide(before, event);
    // Recorded and read again: nothing else survives.
    this.#saga = JSON.parse(JSON.stringify(saga)) as Saga;
    for (const effect of effects) if (effect.kind === "call") this.#underWay.push(effect.call);

    const changed = JSON.stringify(saga) !== JSON.stringify(before);
    if (isTerminal(before.state) && (changed || effects.length > 0)) throw new Error(`${before.state} was moved`);
    if (saga.state !== before.state) {
      if (!TRANSITIONS[before.state].includes(saga.state)) throw new Error(`${before.state} became ${saga.state}`);
      if (!effects.some((it) => it.kind === "announce" && it.state === saga.state)) throw new Error("not announced");
      this.seen.add(`${before.state}>${saga.state}`);
    }
    if (event.kind === "answered" && (changed || effects.length > 0)) {
      this.seen.add(`${event.step}/${event.answer.kind}`);
    }
    this.check();
  }
}

function pick<T>(list: T[], at: number, keep: boolean): T | undefined {
  if (list.length === 0) return undefined;
  const index = at % list.length;
  return keep ? list[index] : list.splice(index, 1)[0];
}
