// SPDX-License-Identifier: MIT
/**
 * Copy:    dns-server/on-one-port.ts
 * Place:   under cluster-dns.ts, which listens for UDP and TCP under one number.
 * Does:    starts two listeners on the same port; if any port will do, asks for another one when the second listener
 *          finds the first one's taken. When it fails, nothing is left open.
 * Doesn't: know what they listen for.
 * With:    -
 * Source:  -
 */

export interface Listener extends AsyncDisposable {
  readonly port: number;
}

/** Rejects if the port is taken. */
export type Listen = (port: number) => Promise<Listener>;

/** Two kinds of sockets rarely have the same free ports taken: that often is enough. */
const TRIES = 20;

/** @param port 0: any that is free for both. */
export async function onOnePort(port: number, first: Listen, second: Listen): Promise<Listener> {
  for (let triesLeft = port === 0 ? TRIES : 1; ; triesLeft--) {
    const one = await first(port);
    try {
      const other = await second(one.port);
      return {
        port: one.port,
        async [Symbol.asyncDispose]() {
          await Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
        },
      };
    } catch (error) {
      await one[Symbol.asyncDispose]();
      if (triesLeft === 1 || !isTaken(error)) throw error;
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
