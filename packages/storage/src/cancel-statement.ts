import { connect } from "node:net";
import type { ClientBase } from "pg";

/** Marks a cancel request in place of a protocol version. Source: PostgreSQL manual, "Message Formats", CancelRequest. */
const CANCEL_REQUEST_CODE = 80_877_102;

/**
 * Asks the server to end what the connection runs, over a socket of its own.
 *
 * Resolves when the server has closed that socket, and says whether it did so by itself: then the signal has been sent,
 * and once the statement has settled as well, no later statement on the connection can be hit. `false` means that the
 * request may still be under way: the connection must not be used again.
 */
export function cancelStatement(client: ClientBase, timeoutMs: number): Promise<boolean> {
  const { host, port, processID, secretKey } = client as ClientBase & BackendKey;
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(CANCEL_REQUEST_CODE, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = host.startsWith("/") ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error("The server did not take the cancel request in time")));
  socket.on("error", () => resolve(false));
  socket.on("close", () => resolve(true)); // after an error this comes second
  socket.end(request);
  socket.resume();
  return promise;
}

/** What `pg` keeps of the server's greeting. Its types do not say so; a test asserts that it is still there. */
export interface BackendKey {
  readonly host: string;
  readonly port: number;
  readonly processID: number;
  readonly secretKey: number;
}
