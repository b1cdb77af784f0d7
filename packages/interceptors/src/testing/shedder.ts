// SPDX-License-Identifier: MIT
import type { LoadSignals } from "../load-signals.ts";
import { type Arrival, type LoadShedEvent, type LoadShedOptions, type Permit, Shedder } from "../server/load-shed.ts";
import { ManualClock } from "./manual-clock.ts";

/** Signals of a process with nothing to do. */
export const IDLE: LoadSignals = { eventLoopDelayP99Ms: 0, utilization: 0.1, heapUsedShare: 0.1 };

/** A clock, a process that fares as the test says, and turns of the event loop that end when the test says. */
export function aPlace(options: LoadShedOptions = {}) {
  const clock = new ManualClock();
  const place = { signals: IDLE, probes: 0, chance: 0.5 };
  const turns: (() => void)[] = [];
  const events: LoadShedEvent[] = [];
  const settings = {
    probe: () => ((place.probes += 1), place.signals),
    observe: (event: LoadShedEvent) => void events.push(event),
    ...options,
  };
  const env = { clock, random: () => place.chance, endOfTurn: (run: () => void) => void turns.push(run) };
  const endTurn = () => turns.splice(0).forEach((run) => run());
  return Object.assign(place, { clock, settings, env, endTurn, events });
}

/** A shedder, and ways to fill it up and to empty it. */
export function aShedder(options: LoadShedOptions = {}) {
  const place = aPlace(options);
  const shedder = new Shedder(place.settings, place.env);
  const admit = (given: Partial<Arrival> = {}): Permit | string =>
    shedder.admit({ path: "/a.B/C", stream: false, priority: "default", retry: false, deadline: Infinity, ...given });
  /** As many calls as there is room for. @returns The permits, and why the next one was refused. */
  const fillUp = (given: Partial<Arrival> = {}) => {
    const permits: Permit[] = [];
    for (;;) {
      const next = admit(given);
      if (typeof next === "string") return { permits, cause: next };
      permits.push(next);
    }
  };
  const giveBack = (permits: readonly (Permit | string)[]) => {
    for (const each of permits) if (typeof each !== "string") each.release("done");
    place.endTurn();
  };
  /** Calls of the method that take so long, one after the other. */
  const took = (ms: number, count: number, end: "done" | "cut" = "done") => {
    for (let index = 0; index < count; index += 1) {
      const permit = admit();
      place.clock.advance(ms);
      if (typeof permit !== "string") permit.release(end);
      place.endTurn();
    }
  };
  return Object.assign(place, { shedder, admit, fillUp, giveBack, took });
}
