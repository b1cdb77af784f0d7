// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { DnsFixture } from "../testing/dns-fixture.ts";
import { FakeDns } from "../testing/fake-dns.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { DnsLookup } from "./dns-lookup.ts";
import type { Resolution } from "./endpoint-source.ts";
import { ServiceLookup } from "./service-lookup.ts";

const FIRST = "pay.orders.svc.cluster.local";
const NAME = "pay.svc.cluster.local";
const SRV = `_grpc._tcp.${NAME}`;

/** So many instances, each with an address of either family; looks are made one after the other. */
function start({ pods = 1, port = 0, candidates = [NAME] } = {}) {
  const dns = new FakeDns();
  const clock = new ManualClock();
  const targets = Array.from({ length: pods }, (_, index) => `p${index}.${NAME}`);
  dns.services[SRV] = targets.map((target) => ({ target }));
  targets.forEach((target, index) => (dns.addresses[target] = [`10.0.0.${index}`, `fd00::${index}`]));
  const service = new ServiceLookup({ candidates, port: port || "grpc" }, dns, { clock });
  const look = () => {
    const giveUp = new AbortController();
    const state: { hosts?: string[] | string } = {};
    const done = service.resolve(giveUp.signal).then((found) => void (state.hosts = hostsOf(found)));
    return { state, done, giveUp: () => giveUp.abort() };
  };
  /** Moves time on once everything that has an answer has been told. */
  const pass = async (ms: number): Promise<void> => {
    await sleep(0);
    clock.advance(ms);
    await sleep(0);
  };
  return { dns, clock, look, pass };
}

/** The addresses of an endpoint as one text. */
function hostsOf(found: Resolution): string[] | string {
  if (found.kind !== "endpoints") return found.kind;
  return found.endpoints.map(({ addresses }) => addresses.map(({ host }) => host).join(" "));
}

const dropped = (type: string) => (question: string) => question.endsWith(` ${type}`);

describe("ServiceLookup, questions of one type without an answer", () => {
  test.each([
    ["AAAA", "10.0.0."],
    ["A", "fd00::"],
  ])("without %s the other addresses are there after 100 ms, for each 20 instances", async (type, prefix) => {
    const { dns, clock, look, pass } = start({ pods: 25 });
    dns.silent = dropped(type);
    const { state } = look();
    await pass(100);
    expect(state.hosts).toBeUndefined();
    await pass(99);
    expect(state.hosts).toBeUndefined();
    await pass(1);
    expect(state.hosts).toEqual(Array.from({ length: 25 }, (_, index) => `${prefix}${index}`));
    expect(clock.pending).toBe(0);
    expect(dns.cancelled).toBe(1);
  });

  test("S4: an answer that comes soon after the other one is waited for", async () => {
    const { dns, clock, look, pass } = start();
    dns.silent = dropped("AAAA");
    const { state, done } = look();
    await pass(99);
    dns.release();
    await done;
    expect(state.hosts).toEqual(["10.0.0.0 fd00::0"]);
    expect(clock.pending).toBe(0);
  });

  test("S2: an instance keeps the addresses whose answer is late this time, and the time after", async () => {
    const { dns, look, pass } = start();
    await look().done;
    dns.silent = dropped("AAAA");
    for (let times = 0; times < 2; times += 1) {
      const { state } = look();
      await pass(100);
      expect(state.hosts).toEqual(["10.0.0.0 fd00::0"]);
    }
  });

  test("an instance without A records is not given up for a late AAAA answer", async () => {
    const { dns, look, pass } = start();
    dns.addresses[`p0.${NAME}`] = ["fd00::1"];
    dns.silent = dropped("AAAA");
    const { state, done } = look();
    await pass(1_000);
    expect(state.hosts).toBeUndefined();
    dns.release();
    await done;
    expect(state.hosts).toEqual(["fd00::1"]);
  });

  test("an instance whose name is gone holds nobody up", async () => {
    const { dns, look, pass } = start({ pods: 2 });
    delete dns.addresses[`p0.${NAME}`];
    dns.silent = dropped("AAAA");
    const { state } = look();
    await pass(100);
    expect(state.hosts).toEqual(["10.0.0.1"]);
  });

  test("port by number: a name that does not exist costs 100 ms, one without A records waits for AAAA", async () => {
    const { dns, look, pass } = start({ port: 80, candidates: [FIRST, NAME] });
    dns.addresses[NAME] = ["10.0.0.1"];
    dns.silent = dropped("AAAA");
    const first = look();
    await pass(100);
    expect(first.state.hosts).toEqual(["10.0.0.1"]);
    dns.addresses[FIRST] = ["fd00::1"];
    const second = look();
    await pass(1_000);
    expect(second.state.hosts).toBeUndefined();
    dns.release();
    await second.done;
    expect(second.state.hosts).toEqual(["fd00::1"]);
  });

  test("25 instances and three servers that drop AAAA, on the wire", async () => {
    await using stack = new AsyncDisposableStack();
    const targets = Array.from({ length: 25 }, (_, index) => `p${index}.${NAME}`);
    const servers: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      const fixture = stack.use(await DnsFixture.start());
      fixture.records.set(SRV, { srv: targets.map((target) => ({ target, port: 1 })) });
      for (const target of targets) {
        fixture.records.set(target, { addresses: ["10.0.0.1"] });
        fixture.modes.set(`${target} AAAA`, "silent");
      }
      servers.push(fixture.address);
    }
    const service = new ServiceLookup({ candidates: [NAME], port: "grpc" }, new DnsLookup({ servers }));
    const began = performance.now();
    expect(hostsOf(await service.resolve(new AbortController().signal))).toHaveLength(25);
    // Less than one of six waits for an answer.
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe("ServiceLookup, given up", () => {
  const aboutLast = (question: string): boolean => /^p2[0-9]\./.test(question);

  test("what is known by then is the list, when there was none before", async () => {
    const { dns, look, pass } = start({ pods: 45 });
    dns.silent = aboutLast;
    const { state, done, giveUp } = look();
    await pass(1_000);
    giveUp();
    await done;
    // The last five were not asked for any more.
    expect(state.hosts).toHaveLength(30);
    expect(dns.asked).toHaveLength(1 + 2 * 40);
  });

  test("S2: an instance that is listed and of which nothing is known this time stays, one that is not is gone", async () => {
    const { dns, look, pass } = start({ pods: 45 });
    await look().done;
    dns.services[SRV] = dns.services[SRV]?.slice(1) ?? [];
    dns.silent = aboutLast;
    for (let times = 0; times < 2; times += 1) {
      const { state, done, giveUp } = look();
      await pass(1_000);
      giveUp();
      await done;
      expect(state.hosts).toEqual(Array.from({ length: 44 }, (_, index) => `10.0.0.${index + 1} fd00::${index + 1}`));
    }
  });

  test("without an answer which instances there are it is a failure", async () => {
    const { dns, look, pass } = start({ pods: 2 });
    await look().done;
    dns.silent = dropped("SRV");
    const { state, done, giveUp } = look();
    await pass(1_000);
    giveUp();
    await done;
    expect(state.hosts).toBe("failure");
  });
});
