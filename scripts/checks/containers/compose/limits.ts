import { type Rules, unless } from "../rules.ts";
import type { Service } from "./read-compose.ts";

/** Two stop one after the other before the database does: so `docker compose down` ends within 15 s. */
const LONGEST_STOP_MS = 7_000;
/** Where nothing is given. Source: the compose specification, `stop_grace_period`. */
const DEFAULT_STOP = "10s";
/** Longest time in which a service of ours ends where nothing is given. Unit: milliseconds. */
export const DEFAULT_DRAIN_MS = 4_000;
const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** What a service may take, of memory, of processes, and of time to end. */
export const limits: Rules<Service> = {
  memory: ({ mem_limit: limit, deploy }) =>
    unless(given(limit ?? deploy?.resources?.limits?.memory), "has no limit of memory"),

  swap: ({ memswap_limit: limit }) => unless(limit === undefined || given(limit), "has no limit of swap"),

  pids: ({ pids_limit: limit, deploy }) =>
    unless(given(limit ?? deploy?.resources?.limits?.pids), "has no limit of processes"),

  "stop-grace-period": ({ stop_grace_period: period = DEFAULT_STOP, environment: { DRAIN_MS } }) => {
    const drainMs = DRAIN_MS || DEFAULT_DRAIN_MS; // to a service, an empty one is not set
    const stopMs = durationMs(period);
    if (stopMs === undefined) return [`${period} is no duration`];
    if (stopMs > LONGEST_STOP_MS) return [`${period} to stop is longer than ${LONGEST_STOP_MS / 1_000}s`];
    return unless(stopMs > Number(drainMs), `${period} to stop is not longer than DRAIN_MS: ${drainMs}`);
  },
};

/** 0 and -1 stand for "none". */
function given(limit: string | undefined): boolean {
  return /^[1-9][\d.]*[bkmg]?b?$/i.test(limit ?? "");
}

/** `1m30s` and the like. */
function durationMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/([\d.]+)(ms|s|m|h)/g)];
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS], 0);
}
