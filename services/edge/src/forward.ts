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

/** Of one client that waits: more than a preface, settings and some first calls. */
const MAX_WAITING_BYTES = 262_144;

export interface Forwarder {
  readonly port: number;
  /** Takes nothing new, and resolves when all connections have ended; after `graceMs` it resets them. Unit: milliseconds. */
  close: (options: { graceMs: number }) => Promise<void>;
}

/**
 * Joins each TCP connection to an instance of a service, bytes as they are. While no instance takes it the connection waits: a
 * client sees one that is slow to come up and keeps its calls, instead of one that refuses.
 */
export async function forward({ port, host, target, waitMs, log }: ForwardOptions): Promise<Forwarder> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => void serve(client));
  async function serve(client: Socket): Promise<void> {
    keepWhileOpen(client, open);
    const gone = new AbortController();
    client.once("close", () => gone.abort());
    client.once("error", () => client.destroy()); // the client's own business
    const waiting = heard(client, () => gone.abort());
    try {
      const instance = await connectToAny({ target, waitMs, signal: gone.signal });
      keepWhileOpen(instance, open);
      waiting.end();
      // It may have left in the moment in which the instance took it: nobody else would end that connection.
      if (gone.signal.aborted) instance.destroy();
      else join(client, instance);
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
    async close({ graceMs }) {
      // Clients keep connections that they do not use, and no byte from here could tell them to end one.
      const timer = setTimeout(() => open.forEach((socket) => socket.resetAndDestroy()), graceMs);
      await new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
      clearTimeout(timer);
    },
  };
}

function keepWhileOpen(socket: Socket, open: Set<Socket>): void {
  open.add(socket);
  socket.once("close", () => open.delete(socket));
}

/**
 * Reads what a client says while it waits, as only who reads hears that it leaves: what it has said then must not be carried out
 * later. `end` puts it back.
 */
function heard(client: Socket, onLeft: () => void): { end(): void } {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const keep = (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_WAITING_BYTES) client.pause();
  };
  client.on("data", keep);
  client.once("end", onLeft);
  return {
    end() {
      client.off("data", keep);
      client.off("end", onLeft);
      client.pause();
      if (chunks.length > 0) client.unshift(Buffer.concat(chunks));
    },
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
