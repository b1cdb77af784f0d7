import type { Mode } from "./mode.ts";

/** How the provider behaves at the moment. */
export interface Behaviour {
  readonly mode: Mode;
  /** Requests that the mode is still for; `undefined`: until it is changed. */
  readonly timesLeft: number | undefined;
  readonly honoursKeys: boolean;
}

/** The behaviour after one request that the mode changed. */
export function afterUse(behaviour: Behaviour): Behaviour {
  if (behaviour.timesLeft === undefined) return behaviour;
  if (behaviour.timesLeft > 1) return { ...behaviour, timesLeft: behaviour.timesLeft - 1 };
  return { ...behaviour, mode: "ok", timesLeft: undefined };
}
