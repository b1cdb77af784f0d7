import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterInstance, ClusterService } from "@holdfast/discovery/dns-server/cluster-records";
import { Status } from "@holdfast/rpc";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "../support/npm-start.ts";
import { Caller } from "./caller.ts";
import { anInstance, type Instance } from "./instances.ts";
import { freePort, type NameServer, TTL_SECONDS } from "./name-server.ts";

const FULL = "payment-service.payments.svc.cluster.local";
const BY_NAME = `k8s:///${FULL}.:grpc`;
const FORMS = ["payment-service", "payment-service.payments", "payment-service.payments.svc", FULL, `${FULL}.`];

function payments(...instances: readonly { record: ClusterInstance }[]): ClusterService[] {
  return [named("payment-service", ...instances)];
}

function named(service: string, ...instances: readonly { record: ClusterInstance }[]): ClusterService {
  return { service, namespace: "payments", portName: "grpc", instances: instances.map(({ record }) => record) };
}

/** Calls until all of them have been reached, one call after the other. @returns What went wrong. */
async function reach(caller: Caller, ...instances: readonly Instance[]): Promise<string[]> {
  const before = instances.map(({ calls }) => calls);
  const errors: string[] = [];
  await until(async () => {
    const error = await caller.call();
    if (error !== undefined) errors.push(error.message);
    return errors.length > 0 || instances.every(({ calls }, index) => calls > (before[index] ?? 0));
  });
  return errors;
}

/** What clients of ours do with a DNS server of somebody else's: the same for every make. */
export function describeDiscovery(name: string, startServer: () => Promise<NameServer>): void {
  describe(`discovery by ${name}`, () => {
    const closing = new AsyncDisposableStack();
    let dns: NameServer;
    let servers: string[];
    /** On one port each has an address of its own, as pods do. */
    let a: Instance;
    let b: Instance;
    let c: Instance;

    beforeAll(async () => {
      dns = closing.use(await startServer());
      servers = [dns.address];
      a = closing.use(await anInstance({ hostname: "payment-0", ipv4: "127.0.0.11" }));
      const { port } = a.record;
      b = closing.use(await anInstance({ hostname: "payment-1", ipv4: "127.0.0.12", port }));
      c = closing.use(await anInstance({ hostname: "payment-2", ipv4: "127.0.0.13", port }));
    });
    afterAll(() => closing.disposeAsync());
    beforeEach(() => dns.set(payments(a, b)));

    test.for(FORMS.flatMap((form) => [`${form}:grpc`, form]))("k8s:///%s", async (form) => {
      const target = form.endsWith(":grpc") ? form : `${form}:${a.record.port}`;
      using caller = new Caller({ target: `k8s:///${target}`, servers });
      expect(await reach(caller, a, b)).toEqual([]);
      expect(caller.endpoints()).toHaveLength(2);
    });

    test("a name that only the search path makes whole", async () => {
      const search = ["elsewhere.cluster.local", "payments.svc.cluster.local"];
      using caller = new Caller({ target: "k8s:///payment-service:grpc", servers, namespace: "orders", search });
      expect(await reach(caller, a, b)).toEqual([]);
    });

    test("instances with a port of their own each, on one address", async () => {
      await using first = await anInstance({ hostname: "own-0", ipv4: "127.0.0.21" });
      await using second = await anInstance({ hostname: "own-1", ipv4: "127.0.0.21" });
      await dns.set([named("own-ports", first, second)]);
      using caller = new Caller({ target: "k8s:///own-ports:grpc", servers });
      expect(await reach(caller, first, second)).toEqual([]);
    });

    test("instances that have IPv6 addresses only, by SRV and by AAAA", async () => {
      await using first = await anInstance({ hostname: "six-0", ipv6: "::1" });
      await using second = await anInstance({ hostname: "six-1", ipv6: "::1" });
      await dns.set([named("six", first, second), named("one-six", first)]);
      using bySrv = new Caller({ target: "k8s:///six:grpc", servers });
      expect(await reach(bySrv, first, second)).toEqual([]);
      using byNumber = new Caller({ target: `k8s:///one-six:${first.record.port}`, servers });
      expect(await reach(byNumber, first)).toEqual([]);
    });

    test("an instance with an address of each family is one endpoint", async () => {
      await using both = await anInstance({ hostname: "both-0", ipv4: "127.0.0.31", ipv6: "::1" });
      await dns.set([named("both", both)]);
      using caller = new Caller({ target: "k8s:///both:grpc", servers });
      expect(await reach(caller, both)).toEqual([]);
      const { port } = both.record;
      expect(caller.listed()).toEqual([`127.0.0.31:${port} ::1:${port}`]);
      expect(caller.endpoints()).toHaveLength(1);
    });

    test("more instances than a datagram has room for", async () => {
      const { port } = a.record;
      const others = Array.from({ length: 60 }, (_, index) => ({
        record: { hostname: `payment-of-a-large-service-${index}`, ipv4: `127.0.1.${index + 1}`, port },
      }));
      await dns.set(payments(a, ...others));
      using caller = new Caller({ target: BY_NAME, servers });
      await until(async () => (await caller.call()) === undefined && caller.listed().length === 61);
      expect(await reach(caller, a)).toEqual([]);
    });

    test("is asked again when the records' TTL is over, whatever the interval", async () => {
      const resolver = new Resolver();
      resolver.setServers(servers);
      await until(async () => (await resolver.resolve4(FULL)).length === 2);
      expect((await resolver.resolve4(FULL, { ttl: true })).map(({ ttl }) => ttl)).toEqual([TTL_SECONDS, TTL_SECONDS]);
      for (const port of ["grpc", a.record.port]) {
        await dns.set(payments(a, b));
        using caller = new Caller({ target: `k8s:///payment-service:${port}`, servers, intervalMs: 60_000 });
        await reach(caller, a, b);
        await dns.set(payments(a, b, c));
        const since = performance.now();
        expect(await reach(caller, c)).toEqual([]);
        expect(performance.now() - since).toBeLessThan(15_000);
      }
    });

    test("a new instance gets calls, one that is gone gets none, and nobody notices", async () => {
      using caller = new Caller({ target: BY_NAME, servers });
      await reach(caller, a, b);
      const load = caller.underLoad();
      const before = c.calls;
      const added = performance.now();
      await dns.set(payments(a, b, c));
      await until(() => c.calls > before);
      const addedMs = performance.now() - added;

      const removed = performance.now();
      await dns.set(payments(b, c));
      await until(() => caller.listed().length === 2);
      const removedMs = performance.now() - removed;
      await sleep(200); // for what was on its way
      const last = a.calls;
      await sleep(1_000);
      expect(a.calls).toBe(last);
      const { calls, errors } = await load.stop();
      console.log(
        `${name}: first call after ${addedMs.toFixed()} ms, forgotten after ${removedMs.toFixed()} ms, ${calls} calls`,
      );
      expect(errors).toEqual([]);
    });

    test("a service that has no instances for a while keeps those that it had", async () => {
      using caller = new Caller({ target: BY_NAME, servers });
      await reach(caller, a, b);
      const load = caller.underLoad();
      await dns.set(payments());
      await until(() => caller.looks.filter(({ kind }) => kind === "kept").length >= 2);
      expect(caller.looks.at(-1)?.note).toMatch(/no such (name|record)/);
      // Whoever has never known any is told so.
      using late = new Caller({ target: BY_NAME, servers });
      const error = await late.call();
      expect(error?.code).toBe(Status.UNAVAILABLE);
      expect(error?.message).toContain(`_grpc._tcp.${FULL}: no such`);
      expect(error?.message).toContain(dns.address);

      expect(await reach(caller, a, b)).toEqual([]);
      await dns.set(payments(c));
      await until(() => caller.listed().length === 1);
      expect(await reach(caller, c)).toEqual([]);
      expect(await reach(late, c)).toEqual([]);
      expect((await load.stop()).errors).toEqual([]);
    });

    test.for(["silent", "gone"])("a server that is %s for seconds is missed by nobody", async (how) => {
      using caller = new Caller({ target: BY_NAME, servers });
      await reach(caller, a, b);
      const load = caller.underLoad();
      if (how === "silent") dns.freeze();
      else await dns.stop();
      await until(() => caller.looks.filter(({ kind }) => kind === "kept").length >= 2);
      expect(await reach(caller, a, b)).toEqual([]);

      if (how === "silent") dns.thaw();
      else await dns.start();
      const since = performance.now();
      await dns.set(payments(b, c));
      await until(() => caller.listed().some((address) => address.startsWith("127.0.0.13")));
      const backMs = performance.now() - since;
      expect(await reach(caller, c)).toEqual([]);
      const { calls, errors } = await load.stop();
      console.log(`${name}: followed again ${backMs.toFixed()} ms after it was ${how}, ${calls} calls`);
      expect(errors).toEqual([]);
    });

    test("the first of two servers is closed, or silent", async () => {
      const silent = createSocket("udp4").bind(0, "127.0.0.1");
      await once(silent, "listening");
      try {
        for (const port of [await freePort(), silent.address().port]) {
          using caller = new Caller({ target: BY_NAME, servers: [`127.0.0.1:${port}`, ...servers] });
          expect(await reach(caller, a, b)).toEqual([]);
        }
      } finally {
        silent.close();
      }
    });
  });
}
