import { setTimeout as wait } from "node:timers/promises";
import { DNS_FAULTS, type DnsFault } from "./dns-message.ts";
import { codesOf } from "./figures.ts";
import type { Network } from "./network.ts";
import type { Plan } from "./plan.ts";
import { sharesOf } from "./run-scale.ts";
import { Scene } from "./scene.ts";
import { now } from "./stream-log.ts";

/** What one client did while its DNS server was of no use. */
export interface DnsRow {
  fault: DnsFault;
  calls: number;
  codes: string;
  /** Queries meanwhile: without one, nothing has been shown. */
  queries: number;
  /** Of the instances, as parts of the mean. */
  shares: number[];
  /** Of all processes; see Scene. Unit: milliseconds. */
  stallMs: number;
}

/** A client for each way in which DNS can fail, all at the same time; each has its part of the load. */
export async function runDns(network: Network, client: string, plan: Plan): Promise<DnsRow[]> {
  await using scene = await Scene.open(network, 2);
  const perSecond = plan.perSecond / DNS_FAULTS.length;
  const one = DNS_FAULTS.map((fault) => ({ client, name: fault }));
  const clients = await scene.runClients(one, perSecond);
  await wait(plan.leadInMs);
  await scene.longestStall();
  const faultAt = now();
  clients.forEach(({ front }, index) => front.setFault(DNS_FAULTS[index]));
  await wait(plan.dnsFaultMs);
  const endAt = now();
  const stallMs = await scene.longestStall();

  const instances = scene.instances.map(({ name }) => name);
  const rowOf = async (fault: DnsFault, index: number): Promise<DnsRow> => {
    const log = await clients[index]?.stop();
    const calls = (log?.calls ?? []).filter(({ at }) => at >= faultAt && at < endAt);
    const queries = (clients[index]?.front.queries ?? []).filter(({ at }) => at >= faultAt && at < endAt);
    return {
      fault,
      calls: calls.length,
      codes: codesOf(calls),
      queries: queries.length,
      shares: sharesOf(calls, instances),
      stallMs,
    };
  };
  // Awaited here: the clients end with this scene.
  return await Promise.all(DNS_FAULTS.map(rowOf));
}

/** What our client has not kept, each in words. */
export function missedDns({ codes, queries, shares }: DnsRow): string[] {
  const missed = codes === "" ? [] : [`calls failed (${codes}), none may`];
  if (queries === 0) missed.push("it did not ask, so that nothing is shown");
  if (!shares.every((share) => share >= 0.8)) {
    missed.push(`the instances had ${shares.map((share) => share.toFixed(2)).join(" and ")} of the mean, must be 0.8`);
  }
  return missed;
}
