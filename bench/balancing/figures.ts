import { status } from "@grpc/grpc-js";
import type { ClientLog } from "./client-process.ts";
import type { DnsQuery } from "./dns-front.ts";
import type { Call } from "./open-loop.ts";
import { countBetween, peakWithin, quantile } from "./sliding.ts";
import type { Stream } from "./stream-log.ts";

/** When what happened. Unit: milliseconds since the epoch. */
export interface Marks {
  faultAt: number;
  /** The instance is well again, and has been told to. */
  healedAt: number;
  /** Of the load. */
  endAt: number;
}

/** What the figures are about. */
export interface Scene extends Marks {
  /** How long a client has to notice. Unit: milliseconds. */
  noticeMs: number;
  instances: readonly string[];
  /** The one that has the fault, and its address. */
  bad: { name: string; address: string };
}

/** What one client has to show for one fault. */
export interface Figures {
  /** Due from the fault until it was healed. */
  calls: number;
  /** Of those. */
  failed: number;
  /** Of those due later. */
  failedAfter: number;
  /** Of both; see {@link codesOf}. */
  codes: string;
  /** Of `calls`, from when the client should have noticed: went to the bad instance. Attempts count one by one. */
  badShare: number;
  /** The same as that instance counts what arrives. */
  arrivedShare: number;
  /** Of calls with an answer, until the fault was healed. Unit: milliseconds. */
  p50Ms: number;
  p99Ms: number;
  /** From healing until the instance gives at least 0.8 of the mean's answers. Infinity: not until the end. Unit: milliseconds. */
  backMs: number;
  /** The most in any second of the fault. */
  resolutionsPerSecond: number;
}

/** Streams are in the order of time, as calls and queries are. */
export function figuresOf(
  { calls, streams }: ClientLog,
  arrived: readonly Stream[],
  queries: readonly DnsQuery[],
  scene: Scene,
): Figures {
  const { faultAt, healedAt, endAt, noticeMs, bad } = scene;
  const during = calls.filter(({ at }) => at >= faultAt && at < healedAt);
  const after = calls.filter(({ at }) => at >= healedAt && at < endAt);
  const noticed = faultAt + noticeMs;
  const called = countBetween(timesOf(calls), noticed, healedAt);
  const sent = streams.filter(({ peer }) => peer === bad.address);
  const latencies = during.filter(({ code }) => code === status.OK).map(({ ms }) => ms);
  latencies.sort((a, b) => a - b);
  return {
    calls: during.length,
    failed: during.filter(({ code }) => code !== status.OK).length,
    failedAfter: after.filter(({ code }) => code !== status.OK).length,
    codes: codesOf([...during, ...after]),
    badShare: countBetween(timesOf(sent), noticed, healedAt) / called,
    arrivedShare: countBetween(timesOf(arrived), noticed, healedAt) / called,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    backMs: shareAfterMs(calls, { ...scene, from: healedAt, wanted: [bad.name], atLeast: 0.8, atMost: Infinity }),
    resolutionsPerSecond: resolutionsPerSecond(queries, faultAt, healedAt),
  };
}

/** Of answers, in steps of a tenth. Unit: milliseconds. */
const WINDOW_MS = 1_000;

export interface ShareQuestion {
  from: number;
  endAt: number;
  instances: readonly string[];
  /** Those that have to have their share. */
  wanted: readonly string[];
  /** Of the mean. */
  atLeast: number;
  atMost: number;
}

/** How long after `from` a second begins in which each of the wanted gives its share of all answers. */
export function shareAfterMs(calls: readonly Call[], question: ShareQuestion): number {
  const { from, endAt, instances, wanted, atLeast, atMost } = question;
  const answersOf = new Map(instances.map((name) => [name, timesOf(calls.filter((call) => call.from === name))]));
  for (let start = from; start + WINDOW_MS <= endAt; start += WINDOW_MS / 10) {
    const answers = (name: string) => countBetween(answersOf.get(name) ?? [], start, start + WINDOW_MS);
    const mean = instances.reduce((sum, name) => sum + answers(name), 0) / instances.length;
    const fair = (count: number) => count > 0 && count >= atLeast * mean && count <= atMost * mean;
    if (wanted.every((name) => fair(answers(name)))) return start - from;
  }
  return Number.POSITIVE_INFINITY;
}

/** The most in any second: a resolution may ask for several names and types, but for each of them only once. */
export function resolutionsPerSecond(queries: readonly DnsQuery[], from: number, to: number): number {
  const during = queries.filter(({ at }) => at >= from && at < to);
  const byQuestion = Map.groupBy(during, ({ question }) => question);
  return Math.max(0, ...[...byQuestion.values()].map((asked) => peakWithin(timesOf(asked), 1_000)));
}

/** How many calls failed with which code and reason: `4 × UNAVAILABLE CIRCUIT_OPEN`. */
export function codesOf(calls: readonly Call[]): string {
  const failed = Map.groupBy(
    calls.filter(({ code }) => code !== status.OK),
    ({ code, reason }) => `${status[code] ?? code} ${reason}`.trimEnd(),
  );
  return [...failed].map(([code, { length }]) => `${length} × ${code}`).join(", ");
}

function timesOf(events: readonly { at: number }[]): number[] {
  return events.map(({ at }) => at);
}
