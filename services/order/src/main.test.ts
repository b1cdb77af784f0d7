import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { anAcceptance, aScope } from "./testing/builders.ts";
import { openTestStore, type TestStore } from "./testing/open-test-store.ts";

const main = new URL("./main.ts", import.meta.url).pathname;
const lateListen = new URL("./testing/late-listen.fixture.ts", import.meta.url).href;

/** Runs the program to its end. */
async function run(store: TestStore, env: Record<string, string>): Promise<{ code: unknown; log: string }> {
  const child = spawn(process.execPath, ["--import", lateListen, main], {
    env: {
      DATABASE_URL: store.url,
      PRODUCT_TARGET: "k8s:///product-service:grpc",
      PAYMENT_TARGET: "k8s:///payment-service:grpc",
      CLUSTER_DNS: "127.0.0.1:1",
      LOG_LEVEL: "warn",
      GRPC_VERBOSITY: "NONE",
      ...env,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [[code], log] = await Promise.all([once(child, "exit"), text(child.stdout)]);
  return { code, log };
}

describe("the service takes no order", () => {
  test("when its port is taken", async () => {
    await using store = await openTestStore();
    await store.acceptOrder(anAcceptance(), aScope());
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const { code, log } = await run(store, { LISTEN: `127.0.0.1:${port}` });
    other.close();
    expect(code).toBe(1);
    expect(log).toContain("EADDRINUSE");
    expect(await store.query("select fence, lease_until from orders")).toEqual([{ fence: "0", lease_until: null }]);
  });

  test("when it is told to stop while it starts to listen", async () => {
    await using store = await openTestStore();
    await store.acceptOrder(anAcceptance(), aScope());
    const { code, log } = await run(store, { LISTEN: "127.0.0.1:0", SIGTERM_AT_LISTEN: "1" });
    expect(code).toBe(0);
    expect(log).toBe("");
    expect(await store.query("select fence, lease_until from orders")).toEqual([{ fence: "0", lease_until: null }]);
  });
});
