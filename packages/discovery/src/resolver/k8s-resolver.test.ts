// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ChannelOptions,
  Client,
  connectivityState,
  credentials,
  experimental,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { describe, expect, test, vi } from "vitest";
import { countingServer, WAIT_METHOD } from "../testing/counting-server.ts";
import { DnsFixture, type DnsMode } from "../testing/dns-fixture.ts";
import { type K8sResolverSettings, k8sChannelOptions, registerK8sResolver, WEIGHTS_KEY } from "./k8s-resolver.ts";
import type { ResolverEvent } from "./poll.ts";

const NAME = "pay.payments.svc.cluster.local";
const SRV = `_grpc._tcp.${NAME}`;
const TARGET = "k8s:///pay.payments:grpc";

/** The shortest that grpc-js can be told. */
const SHORT_IDLENESS = { "grpc.client_idle_timeout_ms": 1_000 };

registerK8sResolver({ namespace: "orders" });

type Instance = Awaited<ReturnType<typeof countingServer>>;

/** A cluster with so many instances of one service, the first `listed` of which are in DNS. */
async function cluster(instances: number, listed = instances) {
  await using disposables = new AsyncDisposableStack();
  const servers: Instance[] = [];
  for (let index = 0; index < instances; index += 1) servers.push(disposables.use(await countingServer()));
  const dns = disposables.use(await DnsFixture.start());
  const list = (...ready: (Instance | undefined)[]): void => {
    const ports = ready.flatMap((each) => (each === undefined ? [] : [each.port]));
    dns.records.set(SRV, { srv: ports.map((port) => ({ target: `i${port}.${NAME}`, port })) });
    for (const port of ports) dns.records.set(`i${port}.${NAME}`, { addresses: ["127.0.0.1"] });
  };
  list(...servers.slice(0, listed));
  const disposable = disposables.move();
  return { servers, dns, list, [Symbol.asyncDispose]: () => disposable.disposeAsync() };
}

/** A client of it with stock round_robin, which takes every list as it comes, the empty one included. */
function connect(dns: DnsFixture, settings: K8sResolverSettings = {}, target = TARGET, options: ChannelOptions = {}) {
  const events: ResolverEvent[] = [];
  let refresh = (): void => {};
  const client = new Client(target, credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    ...options,
    ...k8sChannelOptions({
      servers: [dns.address],
      timeoutMs: 200,
      observe: (event) => void events.push(event),
      control: (resolver) => void (refresh = () => resolver.refresh()),
      ...settings,
    }),
  });
  const asIs = (bytes: Buffer): Buffer => bytes;
  const call = (waitMs = 0, deadlineMs = 5_000): Promise<ServiceError | undefined> => {
    const { promise, resolve } = Promise.withResolvers<ServiceError | undefined>();
    const options = { deadline: Date.now() + deadlineMs };
    client.makeUnaryRequest(WAIT_METHOD, asIs, asIs, Buffer.from(String(waitMs)), options, (error) =>
      resolve(error ?? undefined),
    );
    return promise;
  };
  /** Calls one after the other until something holds; the errors that came meanwhile. */
  const callUntil = async (holds: () => boolean): Promise<ServiceError[]> => {
    const errors: ServiceError[] = [];
    while (!holds()) {
      const error = await call();
      if (error !== undefined) errors.push(error);
      await sleep(2);
    }
    return errors;
  };
  const idle = (): void => expect(client.getChannel().getConnectivityState(false)).toBe(connectivityState.IDLE);
  const rest = (): Promise<void> => vi.waitFor(idle, 10_000);
  return { events, call, callUntil, rest, refresh: () => refresh(), [Symbol.dispose]: () => client.close() };
}

describe("k8s:/// through a real channel", () => {
  test("finds the instances of a named port by SRV, and names the service as the authority", async () => {
    await using system = await cluster(2);
    using client = connect(system.dns);
    const errors = await client.callUntil(() => system.servers.every(({ counts }) => counts.calls > 2));
    expect(errors).toEqual([]);
    expect(system.servers[0]?.counts).toMatchObject({ connections: 1, authority: NAME });
    expect(client.events).toMatchObject([
      { kind: "resolved", changed: true, note: `${SRV}; asked ${system.dns.address}` },
    ]);
  });

  test("finds the instances of a numbered port by their addresses", async () => {
    await using dns = await DnsFixture.start({ [NAME]: { addresses: ["127.0.0.1", "127.0.0.2"] } });
    await using first = await countingServer();
    await using second = await countingServer(first.port, "127.0.0.2");
    using client = connect(dns, {}, `k8s:///pay.payments.svc.cluster.local.:${first.port}`);
    expect(await client.callUntil(() => first.counts.calls > 2 && second.counts.calls > 2)).toEqual([]);
  });

  test("asks its own DNS, not the proxy that the environment has", async () => {
    await using dns = await DnsFixture.start({ [NAME]: { addresses: ["127.0.0.1"] } });
    await using server = await countingServer();
    vi.stubEnv("http_proxy", "http://127.0.0.1:1");
    vi.stubEnv("no_proxy", "");
    using client = connect(dns, {}, `k8s:///pay.payments:${server.port}`);
    vi.unstubAllEnvs();
    expect(await client.call()).toBeUndefined();
  });

  test("S6: a new instance gets calls within the interval, one that has gone gets none and ends those it has", async () => {
    await using system = await cluster(3, 2);
    const [first, second, third] = system.servers;
    using client = connect(system.dns, { intervalMs: 500 });
    await client.callUntil(() => second !== undefined && second.counts.calls > 0 && Number(first?.counts.calls) > 0);
    const inFlight = [client.call(1_500), client.call(1_500)];
    system.list(second, third);
    const changedAt = Date.now();
    expect(await client.callUntil(() => Number(third?.counts.calls) > 0)).toEqual([]);
    expect(Date.now() - changedAt).toBeLessThan(1_500);
    const before = first?.counts.calls;
    const served = Number(third?.counts.calls);
    expect(await client.callUntil(() => Number(third?.counts.calls) > served + 20)).toEqual([]);
    expect(first?.counts.calls).toBe(before);
    expect(await Promise.all(inFlight)).toEqual([undefined, undefined]);
  });

  test.each<DnsMode>(["empty", "nxdomain", "servfail", "refused", "garbage", "silent"])(
    "S2: no call fails while DNS is %s, and the list follows again afterwards",
    async (mode) => {
      await using system = await cluster(2, 1);
      const settings = { intervalMs: 100, minGapMs: 20, requestGapMs: 100, timeoutMs: 100, tries: 1 };
      using client = connect(system.dns, settings);
      await client.callUntil(() => client.events.length > 0);
      system.dns.mode = mode;
      const kept = () => client.events.filter(({ kind }) => kind === "kept");
      expect(await client.callUntil(() => kept().length >= 3)).toEqual([]);
      for (const event of kept()) expect(event).toMatchObject({ stale: false, endpoints: [{ weight: 1 }] });
      system.dns.mode = "well";
      system.list(...system.servers);
      expect(await client.callUntil(() => Number(system.servers[1]?.counts.calls) > 0)).toEqual([]);
    },
  );

  test("S2: an instance that is killed while DNS is silent costs no list: the others go on", async () => {
    await using system = await cluster(2);
    using client = connect(system.dns);
    await client.callUntil(() => system.servers.every(({ counts }) => counts.calls > 0));
    system.dns.mode = "silent";
    await system.servers[0]?.[Symbol.asyncDispose]();
    // The channel has noticed, asked again, and got no answer.
    await vi.waitFor(() => expect(client.events.at(-1)?.kind).toBe("kept"), 10_000);
    const before = Number(system.servers[1]?.counts.calls);
    expect(await client.callUntil(() => Number(system.servers[1]?.counts.calls) > before + 20)).toEqual([]);
  });

  test("S3: looks without a change are not handed on", async () => {
    await using system = await cluster(2);
    using client = connect(system.dns, { intervalMs: 100, minGapMs: 20, requestGapMs: 100 });
    expect(await client.callUntil(() => client.events.length > 5)).toEqual([]);
    expect(client.events.filter((event) => event.kind === "resolved" && event.changed)).toHaveLength(1);
  });

  test("S6: 40 changes of the list in a second cost no call and no second connection", async () => {
    await using system = await cluster(3);
    const [first, second, third] = system.servers;
    using client = connect(system.dns, { minGapMs: 10, requestGapMs: 10 });
    await client.callUntil(() => system.servers.every(({ counts }) => counts.calls > 0));
    const inFlight = Array.from({ length: 6 }, () => client.call(1_500));
    const changes = () => client.events.filter((event) => event.kind === "resolved" && event.changed).length;
    let flaps = 0;
    const flapping = setInterval(() => {
      system.list(...(flaps++ % 2 === 0 ? [first, second] : [second, third]));
      client.refresh();
    }, 25);
    const errors = await client.callUntil(() => changes() > 40);
    clearInterval(flapping);
    expect(errors).toEqual([]);
    expect(await Promise.all(inFlight)).toEqual(Array(6).fill(undefined));
    expect(system.servers.map(({ counts }) => counts.connections)).toEqual([1, 1, 1]);
  });

  test("S1: one dead host causes at most 2 resolutions per second", async () => {
    await using system = await cluster(2);
    using client = connect(system.dns);
    await client.callUntil(() => system.servers.every(({ counts }) => counts.calls > 0));
    await system.servers[0]?.[Symbol.asyncDispose]();
    const began = Date.now();
    const before = system.dns.questions.length;
    await client.callUntil(() => Date.now() - began > 2_500);
    const looks = system.dns.questions.slice(before).filter((question) => question === `${SRV} SRV`);
    expect(looks.length).toBeGreaterThanOrEqual(1);
    expect(looks.length).toBeLessThanOrEqual(5);
  });

  test("says which names and servers were asked while nothing is known, and recovers by itself", async () => {
    await using system = await cluster(1, 0);
    system.dns.records.clear();
    using client = connect(system.dns);
    const error = await client.call();
    expect(error?.code).toBe(status.UNAVAILABLE);
    expect(error?.details).toContain(`Cannot resolve "${TARGET}"`);
    expect(error?.details).toContain(`${SRV}: no such name`);
    expect(error?.details).toContain("_grpc._tcp.pay.payments.orders.svc.cluster.local: no such name");
    expect(error?.details).toContain(`asked ${system.dns.address}`);
    system.list(...system.servers);
    await client.callUntil(() => Number(system.servers[0]?.counts.calls) > 0);
  });

  test.each<DnsMode>(["servfail", "silent"])(
    "S2: a channel that has rested goes on with the old list at once when DNS is %s",
    async (mode) => {
      await using system = await cluster(1);
      using client = connect(system.dns, { timeoutMs: 5_000 }, TARGET, SHORT_IDLENESS);
      expect(await client.call()).toBeUndefined();
      await client.rest();
      system.dns.mode = mode;
      expect(await client.call(0, 2_000)).toBeUndefined();
    },
  );

  test("a channel that has rested does not try the old list first while DNS is well", async () => {
    await using system = await cluster(2, 1);
    using client = connect(system.dns, {}, TARGET, SHORT_IDLENESS);
    expect(await client.call()).toBeUndefined();
    await client.rest();
    await system.servers[0]?.[Symbol.asyncDispose]();
    system.list(system.servers[1]);
    expect(await client.call()).toBeUndefined();
  });

  test("S5: hands the weights of SRV records to the policy, by first address", async () => {
    await using dns = await DnsFixture.start({
      [SRV]: {
        srv: [
          { target: "a.example", port: 1001, weight: 30 },
          { target: "b.example", port: 1002, weight: 10 },
          { target: "c.example", port: 1003, weight: 99, priority: 1 },
        ],
      },
      "a.example": { addresses: ["fd00::1", "10.0.0.1"] },
      "b.example": { addresses: ["fd00::2"] },
      "c.example": { addresses: ["10.0.0.3"] },
    });
    const listener = vi.fn<experimental.ResolverListener>(() => true);
    const uri = { scheme: "k8s", authority: "", path: "pay.payments:grpc" };
    const resolver = experimental.createResolver(uri, listener, k8sChannelOptions({ servers: [dns.address] }));
    resolver.updateResolution();
    expect(listener).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(1));
    resolver.destroy();
    const [first, second] = [
      { host: "10.0.0.1", port: 1001 },
      { host: "fd00::1", port: 1001 },
    ];
    expect(listener.mock.calls[0]).toEqual([
      { ok: true, value: [{ addresses: [first, second] }, { addresses: [{ host: "fd00::2", port: 1002 }] }] },
      {
        [WEIGHTS_KEY]: new Map([
          ["10.0.0.1:1001", 1.5],
          ["[fd00::2]:1002", 0.5],
        ]),
      },
      null,
      `${SRV}; asked ${dns.address}`,
    ]);
  });
});

describe("new Client()", () => {
  test.each(["k8s:///10.0.0.1:50051", "k8s:///pay.payments", "k8s:///pay_ment:grpc", "k8s://ns/pay:grpc"])(
    "throws at once for %s",
    (target) => {
      expect(() => new Client(target, credentials.createInsecure())).toThrow(`Cannot resolve "${target}"`);
    },
  );

  test("hands out the resolver that it builds, and registerK8sResolver() none", () => {
    const control = vi.fn<NonNullable<K8sResolverSettings["control"]>>();
    registerK8sResolver({ namespace: "orders", control });
    expect(control).not.toHaveBeenCalled();
    new Client(TARGET, credentials.createInsecure()).close();
    expect(control.mock.calls).toMatchObject([[{ target: TARGET }]]);
  });

  test.each([
    [{ intervalMs: 1 }, "intervalMs must be 100 to 3600000, is 1"],
    [{ servers: ["nowhere"] }, 'is "nowhere"'],
    [{ namespace: "No Space" }, "namespace must be one DNS label"],
    [{ interval: 1 } as K8sResolverSettings, 'there is no setting "interval"'],
  ])("throws at once for settings %o", (settings, why) => {
    const options = k8sChannelOptions(settings);
    expect(() => new Client(TARGET, credentials.createInsecure(), options)).toThrow(why);
    expect(() => registerK8sResolver(settings)).toThrow(why);
  });
});
