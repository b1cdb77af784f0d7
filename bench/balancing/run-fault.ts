import { setTimeout as wait } from "node:timers/promises";
import type { Fault } from "./faults.ts";
import { type Figures, figuresOf } from "./figures.ts";
import type { Network } from "./network.ts";
import type { Plan } from "./plan.ts";
import { Scene } from "./scene.ts";
import { now } from "./stream-log.ts";

/** One row of the table. */
export interface FaultRow {
  client: string;
  figures: Figures;
  /** Of all processes but the bad one; see Scene. Unit: milliseconds. */
  stallMs: number;
}

/** All clients at the same time, on the same instances, the last of which has the fault. */
export async function runFault(network: Network, fault: Fault, count: number, plan: Plan): Promise<FaultRow[]> {
  await using scene = await Scene.open(network, count, fault.own);
  const bad = scene.instances.at(-1);
  if (bad === undefined) throw new RangeError("There has to be an instance");
  const clients = await scene.runAllClients(plan.perSecond);
  await wait(plan.leadInMs);

  await scene.longestStall(bad);
  const faultAt = now();
  await fault.begin(bad);
  await wait(fault.lasts === "killed" ? plan.killedMs : plan.faultMs);
  await fault.end(bad);
  const healedAt = now();
  await wait(plan.afterMs);
  const endAt = now();
  const stallMs = await scene.longestStall(bad);

  const logs = await Promise.all(clients.map(async (client) => ({ client, log: await client.stop() })));
  const arrived = await bad.streams();
  const about = {
    faultAt,
    healedAt,
    endAt,
    noticeMs: fault.noticeMs,
    instances: scene.instances.map(({ name }) => name),
    bad: { name: bad.name, address: bad.place.address },
  };
  return logs.map(({ client: { name, front }, log }) => {
    const ofClient = arrived.filter(({ caller }) => caller === name);
    return { client: name, figures: figuresOf(log, ofClient, front.queries, about), stallMs };
  });
}
