import { setTimeout as wait } from "node:timers/promises";
import { codesOf, shareAfterMs } from "./figures.ts";
import type { Network } from "./network.ts";
import type { Call } from "./open-loop.ts";
import type { Plan } from "./plan.ts";
import { Scene } from "./scene.ts";
import { now } from "./stream-log.ts";

/** What one client did when there were three instances instead of one. */
export interface ScaleRow {
  client: string;
  /** Since then. */
  calls: number;
  codes: string;
  /** Until each of the three gives 0.8 to 1.2 of the mean's answers. Infinity: not until the end. Unit: milliseconds. */
  evenAfterMs: number;
  /** Of the instances, in the last three seconds, as parts of the mean. */
  lastShares: number[];
  /** Of all processes; see Scene. Unit: milliseconds. */
  stallMs: number;
}

/** All clients at the same time; the two that are added run already, and DNS begins to list them. */
export async function runScale(network: Network, plan: Plan): Promise<ScaleRow[]> {
  await using scene = await Scene.open(network, 3);
  scene.dns.list(scene.instances.slice(0, 1));
  const clients = await scene.runAllClients(plan.perSecond);
  await wait(plan.leadInMs);
  await scene.longestStall();
  scene.dns.list(scene.instances);
  const from = now();
  await wait(plan.scaledMs);
  const endAt = now();
  const stallMs = await scene.longestStall();

  const logs = await Promise.all(clients.map(async ({ name }, index) => ({ name, log: await clients[index]?.stop() })));
  const instances = scene.instances.map(({ name }) => name);
  return logs.map(({ name, log }) => {
    const calls = (log?.calls ?? []).filter(({ at }) => at >= from && at < endAt);
    const question = { from, endAt, instances, wanted: instances, atLeast: 0.8, atMost: 1.2 };
    return {
      client: name,
      calls: calls.length,
      codes: codesOf(calls),
      evenAfterMs: shareAfterMs(calls, question),
      lastShares: sharesOf(
        calls.filter(({ at }) => at >= endAt - 3_000),
        instances,
      ),
      stallMs,
    };
  });
}

/** What each instance answered, as parts of the mean. */
export function sharesOf(calls: readonly Call[], instances: readonly string[]): number[] {
  const answers = instances.map((name) => calls.filter(({ from }) => from === name).length);
  const mean = answers.reduce((sum, count) => sum + count, 0) / instances.length;
  return answers.map((count) => count / mean);
}

/** What our client has not kept, each in words. */
export function missedScale({ codes, evenAfterMs }: ScaleRow): string[] {
  const missed = codes === "" ? [] : [`calls failed (${codes}), none may`];
  if (!(evenAfterMs <= 1_000)) missed.push(`each instance had its share after ${evenAfterMs} ms, may be 1000`);
  return missed;
}
