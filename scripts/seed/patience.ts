import { systemClock as clock } from "../replay/clock.ts";
import { type Persistence, persistence } from "../replay/persistence.ts";

/** A product service that is killed meanwhile is back in seconds. */
const GIVE_UP_AFTER_MS = 30_000;

/** How long a seed insists. */
export function patience(signal: AbortSignal): Persistence {
  return persistence({ clock, signal, giveUpAfterMs: GIVE_UP_AFTER_MS });
}
