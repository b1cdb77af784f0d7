import { isTerminal, type OrderState } from "../order.ts";
import type { Call, Saga } from "./saga.ts";

export type Effect =
  /** Make this call; what is known has to be recorded before. */
  | { readonly kind: "call"; readonly call: Call }
  /** Append the order's new state to its log and to the outbox, in the transaction that records it. */
  | { readonly kind: "announce"; readonly state: OrderState }
  /** Run the order again at once. */
  | { readonly kind: "go_on" }
  /** Run the order again after a pause that grows with its attempts. */
  | { readonly kind: "pause" };

/** What is known now, and what follows from it. */
export interface Decision {
  readonly saga: Saga;
  readonly effects: readonly Effect[];
}

/** Nothing new. */
export function ignore(saga: Saga): Decision {
  return { saga, effects: [] };
}

/** No progress: later. */
export function pause(saga: Saga): Decision {
  return { saga, effects: [{ kind: "pause" }] };
}

/** What has changed. Progress counts its attempts anew. */
export function goOn(saga: Saga, change: Partial<Saga>): Decision {
  const next: Saga = { ...saga, attempts: 0, ...change };
  const effects: Effect[] = [];
  if (next.state !== saga.state) effects.push({ kind: "announce", state: next.state });
  if (!isTerminal(next.state)) effects.push({ kind: "go_on" });
  return { saga: next, effects };
}
