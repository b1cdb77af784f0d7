// SPDX-License-Identifier: MIT
import { experimental, Metadata, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { type RawHandler, rawClient, rawServer } from "../testing/raw-server.ts";
import { type AttemptRecorder, attemptRouting, attemptsInFlight, type CallRoute } from "./attempt-routing.ts";

type RawClient = ReturnType<typeof rawClient>;

/** Hosts that answer with the given codes, and a client that balances over all of them with the policy. */
async function cluster(codes: readonly status[], options = attemptRouting().channelOptions) {
  const seen: Metadata[] = [];
  const answer =
    (code: status): RawHandler =>
    (call) => {
      seen.push(call.metadata);
      call.resume();
      if (code === status.OK) call.end();
      else call.emit("error", { code, details: "" });
    };
  const hosts = await Promise.all(codes.map((code) => rawServer({ Get: answer(code) })));
  const client = rawClient(`ipv4:${hosts.map(({ target }) => target).join(",")}`, options);
  return {
    seen,
    hosts,
    client,
    [Symbol.asyncDispose]: async () => {
      client.close();
      for (const { server } of hosts) server.forceShutdown();
    },
  };
}

/** One attempt on the wire, to its end. */
function send(client: RawClient, metadata: Metadata, timeoutMs = 5_000): Promise<status> {
  const stream = client.open("Get", metadata, { deadline: Date.now() + timeoutMs });
  const { promise, resolve } = Promise.withResolvers<status>();
  stream
    .on("status", ({ code }) => resolve(code))
    .on("error", () => undefined)
    .resume()
    .end();
  return promise;
}

async function attempt(client: RawClient, call: CallRoute) {
  const metadata = new Metadata();
  const route = call.mark(metadata);
  return { route, code: await send(client, metadata) };
}

/** Until every host has a connection: before that the balancer can only choose among some. */
async function connected(client: RawClient, attempts: AttemptRecorder, hosts: number): Promise<void> {
  const call = attempts.begin();
  const peers = new Set<string | undefined>();
  while (peers.size < hosts) peers.add((await attempt(client, call)).route.peer);
  call.end();
}

/** round_robin by another name, whose picker says that there is nobody else to ask. */
class Doubtful extends experimental.ChildLoadBalancerHandler {
  constructor(channel: experimental.ChannelControlHelper) {
    const helper = experimental.createChildChannelControlHelper(channel, {
      updateState: (state, picker, error) => {
        channel.updateState(state, Object.assign(picker, { hasOther: () => false }), error);
      },
    });
    super(helper);
  }

  override updateAddressList(
    ...[list, , ...rest]: Parameters<experimental.LoadBalancer["updateAddressList"]>
  ): boolean {
    const roundRobin = experimental.selectLbConfigFromList([{ round_robin: {} }]);
    return roundRobin !== null && super.updateAddressList(list, roundRobin, ...rest);
  }
}
class DoubtfulConfig implements experimental.TypedLoadBalancingConfig {
  getLoadBalancerName = () => "doubtful";
  toJsonObject = () => ({ doubtful: {} });
  static createFromJson = () => new DoubtfulConfig();
}

afterEach(() => expect(attemptsInFlight()).toBe(0));

describe("attemptRouting()", () => {
  test("R18: with three hosts, one of them bad, one retry leaves no error", async () => {
    const { attempts, channelOptions } = attemptRouting();
    await using all = await cluster([status.OK, status.UNAVAILABLE, status.OK], channelOptions);
    await connected(all.client, attempts, 3);

    const codes = { first: new Set<status>(), last: new Set<status>() };
    await Promise.all(
      Array.from({ length: 300 }, async () => {
        const call = attempts.begin();
        let result = await attempt(all.client, call);
        codes.first.add(result.code);
        if (result.code !== status.OK) result = await attempt(all.client, call);
        codes.last.add(result.code);
        call.end();
      }),
    );
    expect(codes.first).toEqual(new Set([status.OK, status.UNAVAILABLE]));
    expect(codes.last).toEqual(new Set([status.OK]));
  });

  test("R18: three attempts go to three hosts, in each of 50 calls at once; a fourth one goes to any", async () => {
    const { attempts, channelOptions } = attemptRouting();
    await using all = await cluster([status.OK, status.OK, status.OK], channelOptions);
    await connected(all.client, attempts, 3);

    const calls = Array.from({ length: 50 }, () => attempts.begin());
    const routes = await Promise.all(
      calls.map(async (call) => {
        const tried: (string | undefined)[] = [];
        for (let n = 0; n < 3; n++) tried.push((await attempt(all.client, call)).route.peer);
        expect(call.hasUntried()).toBe(false);
        expect(await attempt(all.client, call)).toMatchObject({ code: status.OK, route: { sent: true } });
        call.end();
        return tried;
      }),
    );
    const targets = new Set(all.hosts.map(({ target }) => target));
    for (const tried of routes) expect(new Set(tried)).toEqual(targets);
  });

  test("R18: one host alone is tried again", async () => {
    const { attempts, channelOptions } = attemptRouting();
    await using all = await cluster([status.UNAVAILABLE], channelOptions);
    const call = attempts.begin();
    for (let n = 0; n < 3; n++) {
      expect(await attempt(all.client, call)).toMatchObject({
        code: status.UNAVAILABLE,
        route: { peer: all.hosts[0]?.target, sent: true },
      });
    }
    call.end();
  });

  test("H3: tells whether a host is left, and nothing before the balancer is known", async () => {
    const { attempts, channelOptions } = attemptRouting();
    await using all = await cluster([status.OK, status.OK], channelOptions);
    await connected(all.client, attempts, 2);
    const call = attempts.begin();
    expect(call.hasUntried()).toBe(false);
    await attempt(all.client, call);
    expect(call.hasUntried()).toBe(true);
    await attempt(all.client, call);
    expect(call.hasUntried()).toBe(false);
    call.end();
  });

  test("H3: a child policy that says so knows better than the connections", async () => {
    experimental.registerLoadBalancerType("doubtful", Doubtful, DoubtfulConfig);
    const { attempts, channelOptions } = attemptRouting({ childPolicy: "doubtful", childAvoids: true });
    await using all = await cluster([status.OK, status.OK], channelOptions);
    await connected(all.client, attempts, 2);
    const call = attempts.begin();
    await attempt(all.client, call);
    expect(call.hasUntried()).toBe(false);
    call.end();
  });

  test("R4: an attempt that no connection could take was not sent, one that was answered was", async () => {
    const { attempts, channelOptions } = attemptRouting();
    await using gone = await rawServer({ Get: () => undefined });
    gone.server.forceShutdown();
    using client = rawClient(gone.target, channelOptions);
    const call = attempts.begin();
    const refused = await attempt(client, call);
    expect(refused).toMatchObject({ code: status.UNAVAILABLE, route: { sent: false } });
    expect(refused.route.peer).toBeUndefined();
    call.end();

    await using all = await cluster([status.UNAVAILABLE], channelOptions);
    const other = attempts.begin();
    expect(await attempt(all.client, other)).toMatchObject({ code: status.UNAVAILABLE, route: { sent: true } });
    other.end();
  });

  test("R4: what a channel without the policy did with an attempt is not known", async () => {
    const { attempts } = attemptRouting();
    await using all = await cluster([status.UNAVAILABLE], {});
    const call = attempts.begin();
    const { route } = await attempt(all.client, call);
    expect(route).toMatchObject({ peer: undefined, sent: undefined });
    call.end();
  });

  test.each([
    ["with the policy", attemptRouting().channelOptions],
    ["without it", {}],
  ])("R18: the mark never reaches a server, %s", async (_, options) => {
    const { attempts } = attemptRouting();
    await using all = await cluster([status.OK, status.OK], options);
    const call = attempts.begin();
    for (let n = 0; n < 5; n++) await attempt(all.client, call);
    call.end();
    expect(all.seen).toHaveLength(5);
    for (const metadata of all.seen) expect(JSON.stringify(metadata)).not.toMatch(/holdfast/);
  });

  test("a call without a mark is left to the child policy", async () => {
    await using all = await cluster([status.OK]);
    expect(await send(all.client, new Metadata())).toBe(status.OK);
  });

  test("R5: its channel options set a policy, no retries or hedges, and leave grpc.enable_retries alone", () => {
    const { channelOptions } = attemptRouting();
    expect(channelOptions).toEqual({
      "grpc.service_config":
        '{"loadBalancingConfig":[{"holdfast_attempts":{"childPolicy":[{"round_robin":{}}],"childAvoids":false}}]}',
      "grpc.service_config_disable_resolution": 1,
    });
  });

  test("hands a child policy its config", () => {
    const { channelOptions } = attemptRouting({ childPolicy: "pick_first", childConfig: { shuffleAddressList: true } });
    expect(JSON.parse(String(channelOptions["grpc.service_config"]))).toEqual({
      loadBalancingConfig: [
        { holdfast_attempts: { childPolicy: [{ pick_first: { shuffleAddressList: true } }], childAvoids: false } },
      ],
    });
  });

  test("refuses a child policy that grpc-js does not know, which it would silently replace", () => {
    expect(() => attemptRouting({ childPolicy: "least_recent" })).toThrow(
      new RangeError('Cannot build attempt routing: childPolicy must be registered with grpc-js, is "least_recent"'),
    );
  });
});
