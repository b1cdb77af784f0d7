import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";

/** Counts what a client and a server send each other. */
export interface CountingProxy extends AsyncDisposable {
  port: number;
  /** Bytes so far, without the headers of TCP and IP. */
  counted(): { up: number; down: number };
}

/** Hands everything on to a port of loopback, both ways, and counts the bytes. */
export async function countingProxy(targetPort: number): Promise<CountingProxy> {
  let up = 0;
  let down = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const target = createConnection({ host: "127.0.0.1", port: targetPort, noDelay: true });
    client.on("data", (bytes) => (up += bytes.length)).pipe(target);
    target.on("data", (bytes) => (down += bytes.length)).pipe(client);
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(one);
      // One end that is gone takes the other along; the client under test reports what it misses.
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    counted: () => ({ up, down }),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
