import { Resolver } from "node:dns/promises";
import { startClusterDns } from "@holdfast/discovery/dns-server/cluster-dns";
import { expect, test } from "vitest";
import { openDnsFront } from "./dns-front.ts";

const instances = [{ hostname: "one", ipv4: "198.18.0.2", port: 50_051 }];

test("openDnsFront() hands queries on, notes them, and fails as it is told to", async () => {
  await using backend = await startClusterDns();
  backend.set([{ service: "a", namespace: "b", portName: "grpc", instances }]);
  await using front = await openDnsFront(backend.port);
  const ask = (timeout = 5_000) => {
    const resolver = new Resolver({ timeout, tries: 1 });
    resolver.setServers([front.server]);
    return resolver.resolve4("a.b.svc.cluster.local");
  };

  await expect(ask()).resolves.toEqual(["198.18.0.2"]);
  for (const [fault, code] of [
    ["empty", "ENODATA"],
    ["NXDOMAIN", "ENOTFOUND"],
    ["SERVFAIL", "ESERVFAIL"],
  ] as const) {
    front.setFault(fault);
    await expect(ask()).rejects.toMatchObject({ code });
  }
  for (const fault of ["garbage", "nothing"] as const) {
    front.setFault(fault);
    await expect(ask(100)).rejects.toThrow("queryA");
  }
  front.setFault(undefined);
  await expect(ask()).resolves.toEqual(["198.18.0.2"]);
  expect(front.queries.length).toBeGreaterThanOrEqual(7);
  expect(new Set(front.queries.map(({ question }) => question))).toEqual(new Set(["a.b.svc.cluster.local 1"]));
});
