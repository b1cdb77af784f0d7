import type { Effect, NewEffect } from "../domain/effect.ts";
import type { Effects } from "../domain/effects.ts";
import type { Plan, Refusal } from "../domain/plan.ts";
import type { BehaviourSwitch } from "./behaviour-switch.ts";
import type { Reply } from "./handler.ts";
import { HttpError } from "./http-error.ts";
import type { InProgress } from "./in-progress.ts";
import { toAnswer } from "./to-answer.ts";

export interface CarryOutDeps {
  effects: Effects;
  behaviour: BehaviourSwitch;
  inProgress: InProgress;
  /** How long a slow answer takes. Unit: milliseconds. */
  slowMs: number;
  /** Resolves after so many milliseconds. */
  wait: (ms: number) => Promise<unknown>;
}

export interface Work<Outcome> {
  idempotencyKey: string;
  plan: () => Plan<Outcome>;
  /** The effect that follows from the outcome now, after any wait. */
  effect: (outcome: Outcome) => NewEffect | Refusal;
}

/**
 * Plans a request, carries it out and answers. It goes on when the client has gone away: a provider does not notice.
 * With honoured keys, requests with one key come one after the other, so that the second finds what the first did.
 */
export async function carryOut<Outcome>(work: Work<Outcome>, deps: CarryOutDeps): Promise<Reply> {
  const { behaviour, inProgress } = deps;
  const run = () => planAndDo(work, deps);
  return behaviour.get().honoursKeys
    ? inProgress.alone(work.idempotencyKey, run)
    : inProgress.beside(work.idempotencyKey, run);
}

async function planAndDo<Outcome>(work: Work<Outcome>, deps: CarryOutDeps): Promise<Reply> {
  const plan = work.plan();
  if (plan.usesMode) deps.behaviour.used();
  switch (plan.kind) {
    case "drop":
      return "drop";
    case "refuse":
      return refuse(plan);
    case "replay":
      return answer(plan.effect);
    case "perform":
      break;
    default:
      return plan satisfies never;
  }

  if (plan.slow) await deps.wait(deps.slowMs);
  const outcome = work.effect(plan.outcome);
  if ("kind" in outcome) return refuse(outcome);
  const effect = await deps.effects.append(outcome);

  if (plan.delivery === "drop") return "drop";
  return plan.delivery === "error_500" ? { status: 500, body: { error: "internal" } } : answer(effect);
}

function answer(effect: Effect): Reply {
  return { status: 200, body: toAnswer(effect) };
}

function refuse({ status, error }: Refusal): never {
  throw new HttpError(status, error);
}
