import { afterUse, type Behaviour } from "../domain/behaviour.ts";

/** Holds the behaviour of the moment. It is not kept over a restart: the environment sets it at start. */
export interface BehaviourSwitch {
  get(): Behaviour;
  change(part: Partial<Behaviour>): void;
  /** Counts one request that the mode changed. */
  used(): void;
}

export function behaviourSwitch(initial: Behaviour): BehaviourSwitch {
  let behaviour = initial;
  return {
    get: () => behaviour,
    change: (part) => void (behaviour = { ...behaviour, ...part }),
    used: () => void (behaviour = afterUse(behaviour)),
  };
}
