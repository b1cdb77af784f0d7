import { connect } from "node:net";
import type { ClientBase } from "pg";

/** Marks a cancel request in place of a protocol version. Source: PostgreSQL manual, "Message Formats", CancelRequest. */
const CANCEL_REQUEST_CODE = 80_877_102;

/**
 * Asks the server to end what the connection runs, over a socket of its own.
 *
 * Resolves when the server has closed that socket: the signal has been sent by then, so once this has resolved and the
 * statement has settled, no later statement on the connection can be hit. A request that finds nothing to cancel does
 * nothing, and one that fails is not an error: the caller looks at the statement, not at the request.
 */
export function cancelStatement(client: ClientBase, timeoutMs: number): Promise<void> {
  const { host, port, processID, secretKey } = client as ClientBase & BackendKey;
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(CANCEL_REQUEST_CODE, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = host.startsWith("/") ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  socket.setTimeout(timeoutMs, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("close", () => resolve());
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
