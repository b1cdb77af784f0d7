// SPDX-License-Identifier: MIT
import { spawn } from "node:child_process";
import { once } from "node:events";
import { experimental, status } from "@grpc/grpc-js";
import { beforeAll, describe, expect, test } from "vitest";
import { Backend, backends } from "../testing/backend.ts";
import { answer, http2Peer, wellBehaved } from "../testing/http2-peer.ts";
import { failures, share } from "../testing/load.ts";
import { policyClient, until } from "../testing/policy-client.ts";
import { tcpProxy } from "../testing/tcp-proxy.ts";
import { HoldfastPolicy, registerHoldfastPolicy } from "./holdfast-policy.ts";
import { POLICY, PolicyConfig } from "./policy-config.ts";

beforeAll(() => registerHoldfastPolicy());

const silences = (client: ReturnType<typeof policyClient>): object[] =>
  client.events.filter((event) => event.kind === "state" && event.to === "silent");

describe("holdfast, with peers whose HTTP/2 lives", () => {
  /** Health's Watch and three calls, which say nothing for as long as the test runs; those that come later are answered. */
  async function fullPeer() {
    let held = 0;
    const peer = await http2Peer(4, (stream, path) => {
      if (!path.endsWith("/Echo") || held++ >= 3) wellBehaved(stream, path);
    });
    return Object.assign(peer, { held: () => held });
  }

  test("a connection without a stream left makes nobody silent: another one asks, and does not stay", async () => {
    await using peer = await fullPeer();
    using client = policyClient([peer.address], { slowStartMs: 0 });
    const open = [client.echo.call(3_000), client.echo.call(3_000), client.echo.call(3_000)];
    await until(() => peer.held() === 3);
    const queued = client.echo.call(8_000);
    await until(() => peer.connections >= 3);
    await until(() => peer.open === 1);
    expect(client.endpoints()[0]).toMatchObject({ state: "ready", inFlight: 4 });
    const ends = (await Promise.all(open)).map(({ details }) => details);
    expect(ends).toEqual(Array(3).fill(expect.stringContaining("Deadline exceeded")));
    await queued;
    expect(failures(await client.echo.closedLoop(2, 300))).toEqual([]);
    expect(silences(client)).toEqual([]);
    expect(peer.connections).toBeLessThan(6);
    expect(peer.open).toBe(1);
    expect(client.endpoints()[0]?.inFlight).toBe(0);
  });

  test("a connection without a stream left, to a peer that answers nothing: silent until it answers", async () => {
    await using peer = await fullPeer();
    await using proxy = await tcpProxy(peer.port);
    using client = policyClient([proxy.address], { slowStartMs: 0, connectTimeoutMs: 500 });
    const open = [client.echo.call(6_000), client.echo.call(6_000), client.echo.call(6_000)];
    await until(() => peer.held() === 3);
    proxy.cut();
    const queued = client.echo.call(6_000);
    // 0.25 and 1 s; up to a half more if it was asked, and had answered, before.
    await until(() => client.stateOf(proxy.address) === "silent", 2_500);
    proxy.heal();
    await until(() => client.stateOf(proxy.address) === "ready");
    expect(failures(await client.echo.closedLoop(2, 300))).toEqual([]);
    expect(client.endpoints()[0]).toMatchObject({ inFlight: 0, ejections: 0 });
    expect(failures(await Promise.all([...open, queued]))).toHaveLength(4);
    expect(client.endpoints()[0]).toMatchObject({ inFlight: 0, ejections: 0 });
  });

  test("a connection whose streams are used up and end is left alone", async () => {
    await using peer = await http2Peer(3, (stream, path) => {
      if (path.endsWith("/Echo")) setTimeout(() => stream.destroyed || answer(stream, Buffer.from("x")), 100);
      else wellBehaved(stream, path);
    });
    using client = policyClient([peer.address]);
    expect(failures(await client.echo.closedLoop(6, 1_500, 3_000))).toEqual([]);
    expect(silences(client)).toEqual([]);
    expect(peer.connections).toBe(1);
  });

  test.each([2, 3])(
    "one of %i accepts connections and answers nothing: silent until it answers",
    {
      timeout: 20_000,
    },
    async (count) => {
      await using servers = await backends(count - 1);
      await using peer = await http2Peer(100, wellBehaved);
      using client = policyClient([peer.address, ...servers.map(({ address }) => address)], {
        slowStartMs: 0,
        connectTimeoutMs: 1_000,
      });
      await client.ready();
      peer.become(() => undefined);
      const early = client.echo.openLoop(200, 1_000, 500);
      await until(() => client.stateOf(peer.address) === "silent", 2_000);
      const outcomes = await client.echo.openLoop(200, 5_000, 500);
      await early;
      expect(share(outcomes, peer.port)).toBeLessThan(0.01);
      expect(failures(outcomes)).toEqual([]);
      expect(client.stateOf(peer.address)).toBe("silent");
      // One more at a time, for a second each.
      expect(peer.connections).toBeGreaterThan(2);
      expect(peer.connections).toBeLessThan(10);
      peer.become(wellBehaved);
      await until(async () => share(await client.echo.closedLoop(3, 300), peer.port) > 0.6 / count, 5_000);
    },
  );

  test.each([2, 3])(
    "S9: one of %i ends its connection with each call: ejected, one call a second",
    {
      timeout: 20_000,
    },
    async (count) => {
      await using servers = await backends(count - 1);
      await using peer = await http2Peer(100, wellBehaved);
      using client = policyClient([peer.address, ...servers.map(({ address }) => address)], { slowStartMs: 0 });
      await client.ready();
      peer.become((stream, path) => {
        if (path.endsWith("/Echo")) peer.cut();
        else wellBehaved(stream, path);
      });
      const ejected = () => (client.endpoints()[0]?.ejections ?? 0) >= 1;
      await until(async () => (await client.echo.closedLoop(3, 20)) && ejected(), 2_000);
      expect(share(await client.echo.openLoop(200, 3_000), peer.port)).toBeLessThan(0.01);
      peer.become(wellBehaved);
      await until(async () => share(await client.echo.closedLoop(3, 300), peer.port) > 0.6 / count, 5_000);
    },
  );

  test("one that accepts connections and hangs up is called ever less often, and used once it stays", async () => {
    await using servers = await backends(1);
    await using peer = await http2Peer(100, (stream, path) => {
      if (path.endsWith("/Watch")) peer.cut();
      else wellBehaved(stream, path);
    });
    const well = servers.map(({ address }) => address);
    using client = policyClient(well, { slowStartMs: 0 });
    await client.ready();
    client.list.set([peer.address, ...well]);
    expect(failures(await client.echo.closedLoop(3, 1_300))).toEqual([]);
    // 0, 0.2, 0.6 and 1.4 s from the first.
    expect(peer.connections).toBeGreaterThanOrEqual(3);
    expect(peer.connections).toBeLessThanOrEqual(4);
    peer.become(wellBehaved);
    await until(async () => share(await client.echo.closedLoop(3, 100), peer.port) > 0.3);
  });

  test("calls fail while nobody is connected and the next attempt waits", async () => {
    await using peer = await http2Peer(100, (_stream, path) => {
      if (path.endsWith("/Watch")) peer.cut();
    });
    using client = policyClient([peer.address], {}, {}, { "grpc.initial_reconnect_backoff_ms": 3_000 });
    void client.echo.call();
    await until(() => client.stateOf(peer.address) === "failing");
    expect(await client.echo.call(2_500)).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining("next attempt in 3000 ms"),
    });
    expect(peer.connections).toBe(2);
  });

  test("S9: the calls that end with a connection are one failure: who is back at once is used at once", async () => {
    await using servers = await backends(2);
    await using peer = await http2Peer(100, wellBehaved);
    using client = policyClient([peer.address, ...servers.map(({ address }) => address)], { slowStartMs: 0 });
    await client.ready();
    let held = 0;
    peer.become((stream, path) => {
      if (path.endsWith("/Echo")) held++;
      else wellBehaved(stream, path);
    });
    const calls = Array.from({ length: 30 }, async () => client.echo.call());
    await until(() => held >= 5);
    peer.become(wellBehaved);
    peer.cut();
    expect(failures(await Promise.all(calls)).length).toBeGreaterThanOrEqual(5);
    await until(async () => share(await client.echo.closedLoop(3, 100), peer.port) > 0.2);
    expect(client.endpoints().map(({ ejections }) => ejections)).toEqual([0, 0, 0]);
  });

  test("S9: a new process does not wait for as long as the one that failed had to", { timeout: 15_000 }, async () => {
    await using servers = await backends(1);
    await using peer = await http2Peer(100, wellBehaved);
    using client = policyClient([peer.address, ...servers.map(({ address }) => address)], { slowStartMs: 0 });
    await client.ready();
    peer.become((stream, path) => {
      if (path.endsWith("/Echo")) stream.respond({ ":status": 200, "grpc-status": "13" }, { endStream: true });
      else wellBehaved(stream, path);
    });
    // After 1 s, and then after 2; the next time it would be 4.
    await until(async () => (await client.echo.call()) && client.endpoints()[0]?.ejections === 3);
    peer.become(wellBehaved);
    peer.cut();
    await until(async () => share(await client.echo.closedLoop(3, 100), peer.port) > 0.3, 2_500);
    expect(client.endpoints()[0]?.ejections).toBe(3);
  });

  test.each([1, 2])("S9: %i trials that are picked and not started keep no endpoint out", async (count) => {
    let drop = false;
    /** Picks that often once more now and then, for calls that never start. */
    class Dropping extends HoldfastPolicy {
      override pick(args: experimental.PickArgs): experimental.PickResult {
        const dropped = drop ? count : 0;
        for (let i = 0; i < dropped; i++) {
          super.pick(args);
          // Trials are a tenth of a second apart: a turn has two of them only when it takes that long.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 110);
        }
        drop = false;
        return super.pick(args);
      }
    }
    experimental.registerLoadBalancerType(POLICY, Dropping, PolicyConfig);
    await using _ = { [Symbol.asyncDispose]: async () => registerHoldfastPolicy() };
    await using servers = await backends(2 * count);
    const bad = servers.slice(0, count);
    using client = policyClient(
      servers.map(({ address }) => address),
      { slowStartMs: 0 },
    );
    await client.ready();
    const all = (state: string) => bad.every(({ address }) => client.stateOf(address) === state);
    await Promise.all(bad.map(async (each) => each.set({ code: status.INTERNAL })));
    await until(async () => (await client.echo.call()) && all("ejected"));
    await Promise.all(bad.map(async (each) => each.set({ code: 0 })));
    // When the trials are due: nothing but a call makes one.
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect(all("ejected")).toBe(true);
    drop = true;
    await until(async () => (await client.echo.call()) && all("ready"), 2_500);
  });

  test.each<[string, "goAway" | "cut", number, string]>([
    ["with GOAWAY leaves a warm instance warm", "goAway", 0, "ready"],
    ["under its calls is followed by a slow start", "cut", 1, "slow-starting"],
  ])("S7: a connection that ends %s", async (_, end, calls, state) => {
    await using peer = await http2Peer(100, wellBehaved);
    using client = policyClient([peer.address], { slowStartMs: 1_500 });
    await client.ready();
    await until(() => client.stateOf(peer.address) === "ready");
    peer.become((stream, path) => path.endsWith("/Echo") || wellBehaved(stream, path));
    const streams = peer.streams;
    const held = Array.from({ length: calls }, async () => client.echo.call());
    await until(() => peer.streams === streams + calls);
    peer[end]();
    await until(() => peer.connections === 2);
    await until(() => ["ready", "slow-starting"].includes(client.stateOf(peer.address) ?? ""));
    expect(client.stateOf(peer.address)).toBe(state);
    expect(failures(await Promise.all(held))).toHaveLength(calls);
  });

  test("S7: a new process in the place of an idle one starts slowly", async () => {
    await using stack = new AsyncDisposableStack();
    const before = stack.use(await Backend.start());
    using client = policyClient([before.address], { slowStartMs: 1_500 });
    await client.ready();
    await until(() => client.stateOf(before.address) === "ready");
    await before.kill();
    await until(() => client.stateOf(before.address) === "failing");
    stack.use(await Backend.start({ port: before.port }));
    await until(() => client.endpoints()[0]?.error === undefined && client.stateOf(before.address) !== "connecting");
    expect(client.stateOf(before.address)).toBe("slow-starting");
  });

  test("calls fail with the newest error", async () => {
    const peer = await tcpProxy();
    using client = policyClient([peer.address], { connectTimeoutMs: 200 });
    expect((await client.echo.call(3_000)).details).toContain("no HTTP/2 connection");
    await peer[Symbol.asyncDispose]();
    await until(async () => (await client.echo.call()).details.includes("ECONNREFUSED"));
  });

  test("asks for health under the name that calls are made to", async () => {
    await using peer = await http2Peer(100, wellBehaved);
    using client = policyClient([peer.address], {}, {}, { "grpc.default_authority": "pay" });
    await client.ready();
    expect([...peer.authorities]).toEqual(["/grpc.health.v1.Health/Watch pay", "/test.v1.Test/Echo pay"]);
  });

  test("a process that has nothing else to do ends, its channel open or not", async () => {
    await using server = await Backend.start();
    const program = `
      import { registerHoldfastPolicy } from ${JSON.stringify(new URL("holdfast-policy.ts", import.meta.url).href)};
      import { policyClient } from ${JSON.stringify(new URL("../testing/policy-client.ts", import.meta.url).href)};
      registerHoldfastPolicy();
      const client = policyClient([${JSON.stringify(server.address)}]);
      await client.ready();
      const { code } = await client.echo.call();
      process.exitCode = code === 0 ? 7 : 1;`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], { stdio: "ignore" });
    await using _ = { [Symbol.asyncDispose]: async () => void child.kill() };
    await until(async () => (await server.watchers()) === 1);
    const [code] = (await once(child, "exit", { signal: AbortSignal.timeout(4_000) })) as [number];
    expect(code).toBe(7);
  });
});
