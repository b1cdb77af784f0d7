// SPDX-License-Identifier: MIT
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP peer in front of a server, or in front of nothing: what it has accepted it can leave unanswered. */
export async function tcpProxy(targetPort?: number) {
  const open = new Set<Socket>();
  let accepted = 0;
  let forwards = targetPort !== undefined;
  const server = createServer((socket) => {
    accepted++;
    open.add(socket);
    socket.on("close", () => open.delete(socket)).on("error", () => undefined);
    if (!forwards || targetPort === undefined) {
      // Read, or the end of the connection would never be seen.
      socket.resume();
      return;
    }
    const upstream = connect(targetPort, "127.0.0.1");
    upstream.on("error", () => undefined).on("close", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    address: `127.0.0.1:${port}`,
    get accepted() {
      return accepted;
    },
    get open() {
      return open.size;
    },
    /** Ends every connection; new ones work. */
    drop(): void {
      for (const socket of open) socket.destroy();
    },
    /** From now on nothing passes: neither over what is connected nor over what will be. */
    cut(): void {
      forwards = false;
      for (const socket of open) socket.unpipe().resume();
    },
    /** New connections work; those that were cut stay dead. */
    heal(): void {
      forwards = true;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
