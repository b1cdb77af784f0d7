// SPDX-License-Identifier: MIT
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { listenUdp } from "./listen-udp.ts";

/** Sends these datagrams from one socket, and gives the first that comes back. */
async function firstAnswer(port: number, host: string, ...messages: string[]): Promise<string> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    const answered = once(socket, "message");
    for (const message of messages) socket.send(message, port, host);
    const [answer] = (await answered) as [Buffer];
    return answer.toString();
  } finally {
    socket.close();
  }
}

describe("listenUdp()", () => {
  test.each(["127.0.0.1", "::1"])("answers to where the datagram came from, on %s", async (host) => {
    await using server = await listenUdp({
      host,
      port: 0,
      respond: (query) => Buffer.from(`${Buffer.from(query).toString()} too`),
    });
    const answers = ["a", "b", "c"].map((message) => firstAnswer(server.port, host, message));
    expect(await Promise.all(answers)).toEqual(["a too", "b too", "c too"]);
  });

  test("sends nothing where there is no answer", async () => {
    const respond = (query: Uint8Array) => (query.length > 1 ? Buffer.from("answer") : undefined);
    await using server = await listenUdp({ host: "127.0.0.1", port: 0, respond });
    expect(await firstAnswer(server.port, "127.0.0.1", "?", "", "query")).toBe("answer");
  });

  test("goes on when an answer cannot be sent, and says so", async () => {
    const errors: Error[] = [];
    // Longer than a datagram can be.
    const respond = (query: Uint8Array) => (query.length > 1 ? Buffer.from("answer") : Buffer.alloc(70_000));
    const observe = ({ error }: { error: Error }) => void errors.push(error);
    await using server = await listenUdp({ host: "127.0.0.1", port: 0, respond, observe });
    expect(await firstAnswer(server.port, "127.0.0.1", "?", "query")).toBe("answer");
    await expect.poll(() => errors).toMatchObject([{ code: "EMSGSIZE" }]);
  });

  test("rejects when the port is taken, and gives it free when it is disposed of, once or twice", async () => {
    const options = { host: "127.0.0.1", respond: () => undefined };
    const server = await listenUdp({ ...options, port: 0 });
    await expect(listenUdp({ ...options, port: server.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await Promise.all([server[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]);
    await server[Symbol.asyncDispose]();
    await using again = await listenUdp({ ...options, port: server.port });
    expect(again.port).toBe(server.port);
  });
});
