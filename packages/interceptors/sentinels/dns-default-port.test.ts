import { experimental } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { mended } from "./support.ts";

type Listener = Parameters<typeof experimental.createResolver>[1];
type Endpoints = Parameters<Listener>[0];

test("dns:///host without a port means port 443", async () => {
  const { promise: found, resolve } = Promise.withResolvers<Endpoints>();
  const listener: Listener = (endpoints) => {
    resolve(endpoints);
    return true;
  };
  const resolver = experimental.createResolver({ scheme: "dns", authority: "", path: "127.0.0.1" }, listener, {});
  resolver.updateResolution();
  try {
    const endpoints = await found;
    const address = endpoints.ok ? endpoints.value[0]?.addresses[0] : undefined;
    const workaround = "the rule that every target names its port";
    expect(address, mended("dns:/// defaults to port 443", workaround)).toMatchObject({ port: 443 });
  } finally {
    resolver.destroy();
  }
});
