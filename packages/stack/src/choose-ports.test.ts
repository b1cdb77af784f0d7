import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { choosePorts } from "./choose-ports.ts";

const anyPort = { payment: 0, product: 0, order: 0, provider: 0, postgres: 0 };

async function aListener(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => void (await once(server.close(), "close"));
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

describe("choosePorts()", () => {
  test("keeps what was chosen, and finds another port for each 0, below those of outgoing connections", async () => {
    const ports = await choosePorts({ ...anyPort, order: 15_053 });
    expect(ports.order).toBe(15_053);
    expect(new Set(Object.values(ports)).size).toBe(5);
    for (const port of Object.values(ports)) expect(port).toBeLessThan(32_768);
  });

  test("does not choose a port twice, even if chance does", async () => {
    const draws = [0.1, 0.1, 0.1, 0.2, 0.2, 0.3, 0.4, 0.5];
    const ports = await choosePorts(anyPort, () => draws.shift() ?? Math.random());
    expect(new Set(Object.values(ports)).size).toBe(5);
  });

  test("names a port in use, who has it, and how to choose another", async () => {
    await using listener = await aListener();
    const error: unknown = await choosePorts({ ...anyPort, order: listener.port }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ name: "StackError" });
    const { message } = error as Error;
    expect(message).toContain(`${listener.port} (order)`);
    expect(message).toContain("--order-port=");
  });

  test.runIf(process.platform === "linux")("names the process that has the port", async () => {
    await using listener = await aListener();
    await expect(choosePorts({ ...anyPort, order: listener.port })).rejects.toThrow(`(process ${process.pid})`);
  });

  test("refuses one port for two", async () => {
    await expect(choosePorts({ ...anyPort, order: 15_053, product: 15_053 })).rejects.toThrow("15053 was chosen twice");
  });
});
