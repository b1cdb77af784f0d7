import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { connectivityState } from "@grpc/grpc-js";
import { afterEach, expect, test, vi } from "vitest";
import { rawClient } from "../src/testing/raw-server.ts";
import { mended } from "./support.ts";

const HOUR_MS = 3_600_000;

afterEach(() => {
  vi.useRealTimers();
});

test("a peer that accepts and then says nothing is waited for without end", async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket)).listen(0, "127.0.0.1");
  await once(silent, "listening");
  // Sockets and HTTP/2 have timers of their own: only those of grpc-js are moved.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  using client = rawClient(`127.0.0.1:${(silent.address() as AddressInfo).port}`);
  try {
    client.getChannel().getConnectivityState(true);
    await once(silent, "connection");
    await vi.advanceTimersByTimeAsync(HOUR_MS / 4);
    const state = client.getChannel().getConnectivityState(false);
    const workaround = "what packages/rpc/src/client does about a connection that never comes";
    expect(state, mended("no connect timeout", workaround)).toBe(connectivityState.CONNECTING);
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});
