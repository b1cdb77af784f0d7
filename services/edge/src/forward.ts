import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { Logger } from "@holdfast/process";
import { type ConnectOptions, connectToAny } from "./connect-to-any.ts";

export interface ForwardOptions extends Pick<ConnectOptions, "target" | "waitMs"> {
  /** Port 0 takes any free one. */
  port: number;
  host: string;
  log: Logger;
}

export interface Forwarder {
  readonly port: number;
  /** Takes nothing new, and resolves when all connections have ended. */
  close: () => Promise<void>;
}

/**
 * Joins each TCP connection to an instance of a service, bytes as they are. While no instance takes it the connection waits: a
 * client sees one that is slow to come up and keeps its calls, instead of one that refuses.
 */
export async function forward({ port, host, target, waitMs, log }: ForwardOptions): Promise<Forwarder> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => void serve(client));
  async function serve(client: Socket): Promise<void> {
    const gone = new AbortController();
    client.once("close", () => gone.abort());
    client.once("error", () => client.destroy()); // the client's own business
    try {
      join(client, await connectToAny({ target, waitMs, signal: gone.signal }));
    } catch (err) {
      if (!gone.signal.aborted) log.warn({ err, target }, "no instance took a connection");
      client.resetAndDestroy(); // not an end: nothing was answered
    }
  }
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return {
    port: address.port,
    close: () => new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve()))),
  };
}

/** Each side ends when the other one has, and is reset when the other one was. */
function join(client: Socket, instance: Socket): void {
  client.setNoDelay(true);
  client.once("error", () => instance.resetAndDestroy());
  instance.once("error", () => client.resetAndDestroy());
  client.pipe(instance);
  instance.pipe(client);
}
