import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/**
 * The given port of 127.0.0.1, or any free one for 0. It is free at the moment of the call; nothing keeps it.
 *
 * @throws {Error} If the port is in use.
 */
export async function freePort(port: number): Promise<number> {
  const server = createServer().listen({ port, host: "127.0.0.1", exclusive: true });
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new Error(`Cannot start PostgreSQL on port ${port}: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  const { port: free } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return free;
}
