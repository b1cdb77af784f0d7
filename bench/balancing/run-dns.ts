import { setTimeout as wait } from "node:timers/promises";
import type { DnsFault } from "./dns-message.ts";
import { openDnsServer } from "./dns-server.ts";
import { codesOf } from "./figures.ts";
import type { Network } from "./network.ts";
import type { Plan } from "./plan.ts";
import { sharesOf } from "./run-scale.ts";
import { Scene } from "./scene.ts";
import { now } from "./stream-log.ts";

/** What one client did while its DNS server was of no use. */
export interface DnsRow {
  fault: DnsFault;
  /** How many of them DNS listed before. */
  instances: number;
  calls: number;
  codes: string;
  /** Queries meanwhile: without one, nothing has been shown. */
  queries: number;
  /** Of the instances, as parts of the mean. */
  shares: number[];
  /** Of all processes; see Scene. Unit: milliseconds. */
  stallMs: number;
}

/** How many instances DNS lists, for one client each. */
const COUNTS = [2, 3];

/** One way in which DNS can fail, met by a client of two instances and one of three at the same time. */
export async function runDns(network: Network, client: string, fault: DnsFault, plan: Plan): Promise<DnsRow[]> {
  await using scene = await Scene.open(network, Math.max(...COUNTS));
  await using servers = new AsyncDisposableStack();
  const wanted = COUNTS.map(async (count) => {
    const dns = servers.use(await openDnsServer(network.port));
    dns.list(scene.instances.slice(0, count));
    return { client, name: `${client} of ${count}`, dnsPort: dns.port };
  });
  const clients = await scene.runClients(await Promise.all(wanted), plan.perSecond);
  await wait(plan.leadInMs);
  await scene.longestStall();
  const faultAt = now();
  for (const { front } of clients) front.setFault(fault);
  await wait(plan.dnsFaultMs);
  const endAt = now();
  const stallMs = await scene.longestStall();

  const rowOf = async (count: number, index: number): Promise<DnsRow> => {
    const log = await clients[index]?.stop();
    const calls = (log?.calls ?? []).filter(({ at }) => at >= faultAt && at < endAt);
    const queries = (clients[index]?.front.queries ?? []).filter(({ at }) => at >= faultAt && at < endAt);
    const names = scene.instances.slice(0, count).map(({ name }) => name);
    return {
      fault,
      instances: count,
      calls: calls.length,
      codes: codesOf(calls),
      queries: queries.length,
      shares: sharesOf(calls, names),
      stallMs,
    };
  };
  // Awaited here: the clients end with this scene.
  return await Promise.all(COUNTS.map(rowOf));
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
