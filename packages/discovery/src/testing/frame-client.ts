// SPDX-License-Identifier: MIT
import { connect, type Socket } from "node:net";

/** A client of DNS over TCP that does what it is told to, good or bad. */
export class FrameClient implements Disposable {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #wake: (() => void) | undefined;

  constructor({ host = "127.0.0.1", port }: { host?: string; port: number }) {
    this.socket = connect({ host, port, noDelay: true });
    this.socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    // A reset is one of the ways in which a server may end a connection.
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => this.#wake?.());
  }

  /** Each in a frame of its own. */
  send(...messages: Uint8Array[]): this {
    for (const message of messages) this.socket.write(frameOf(message));
    return this;
  }

  /** The next message. Undefined: the server has ended the connection. */
  async next(): Promise<Buffer | undefined> {
    while (this.#received.length < 2 || this.#received.length < 2 + this.#received.readUInt16BE(0)) {
      if (this.socket.closed) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const end = 2 + this.#received.readUInt16BE(0);
    const message = this.#received.subarray(2, end);
    this.#received = this.#received.subarray(end);
    return message;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** The message behind its length. */
export function frameOf(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]);
}
