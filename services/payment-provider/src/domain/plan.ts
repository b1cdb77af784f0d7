import type { Effect } from "./effect.ts";
import type { Mode } from "./mode.ts";

/** What a request comes to. `usesMode` says whether the mode changed it, and so counts against the mode's `times`. */
export type Plan<Outcome> = { usesMode: boolean } & (
  | { kind: "replay"; effect: Effect }
  | Refusal
  | { kind: "drop" }
  | { kind: "perform"; outcome: Outcome; slow: boolean; delivery: "answer" | "drop" | "error_500" }
);

export interface Refusal {
  kind: "refuse";
  status: 400 | 404 | 409 | 422;
  error: string;
}

export const keyReused: Refusal = { kind: "refuse", status: 422, error: "idempotency_key_reused" };

/** What a mode does to the answer of a request that had an effect. */
export function deliveryIn(mode: Mode): "answer" | "drop" | "error_500" {
  if (mode === "charge_then_drop") return "drop";
  return mode === "error_500_after_charge" ? "error_500" : "answer";
}
