import { discovery } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { startClusterDns } from "../../packages/discovery/src/dns-server/cluster-dns.ts";
import { InputError } from "../audit/input-error.ts";
import { assertReachable } from "./assert-reachable.ts";
import { jumpingClock } from "./jumping-clock.fixture.ts";
import { anOrderService } from "./order-service.fixture.ts";

const NAME = "k8s:///order-service.orders:grpc";
const { signal } = new AbortController();

/** A cluster that knows one service, on this port; without one its DNS knows nobody. */
async function aCluster(port?: number) {
  const dns = await startClusterDns();
  const instances = port === undefined ? [] : [{ hostname: "order", ipv4: "127.0.0.1", port }];
  dns.set([{ service: "order-service", namespace: "orders", portName: "grpc", instances }]);
  const deps = { discovery: discovery({ resolver: { servers: [dns.server] } }), clock: jumpingClock(), signal };
  return { ...deps, [Symbol.asyncDispose]: () => dns[Symbol.asyncDispose]() };
}

describe("assertReachable()", () => {
  test("is content with an answer, by name and by address, whatever the health is", async () => {
    await using service = await anOrderService({});
    await using cluster = await aCluster(Number(service.target.split(":")[1]));
    await assertReachable("the order service", NAME, cluster);
    await assertReachable("the order service", service.target, cluster);
    await assertReachable("the order service", `dns:///${service.target}`, cluster);
    expect(cluster.clock.slept).toEqual([]);
  });

  test.each([
    ["a name that nobody has", NAME],
    ["an address where nobody listens", "127.0.0.1:1"],
    ["a scheme that nobody knows", "none:///x"],
  ])("tells %s, after a while", async (_, target) => {
    await using cluster = await aCluster();
    const reached = assertReachable("the order service", target, { ...cluster, patienceMs: 300 });
    await expect(reached).rejects.toThrow(`the order service at ${target}: `);
    await expect(reached).rejects.not.toThrow("npm start");
    await expect(reached).rejects.toBeInstanceOf(InputError);
    expect(cluster.clock.slept).toEqual([100, 100, 100]);
  });

  test("advises to start the stack where its own target is meant", async () => {
    await using cluster = await aCluster();
    const reached = assertReachable("the order service", NAME, { ...cluster, isOfStack: true, patienceMs: 300 });
    await expect(reached).rejects.toThrow(/at k8s:.*npm start/);
  });

  test.each(["here", "order service:1", "k8s:///127.0.0.1:50053", "k8s:///order-service.orders"])(
    "tells at once that %s is no target",
    async (target) => {
      await using cluster = await aCluster();
      await expect(assertReachable("the order service", target, cluster)).rejects.toThrow(InputError);
      expect(cluster.clock.slept).toEqual([]);
    },
  );
});
