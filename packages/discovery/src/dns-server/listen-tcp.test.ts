// SPDX-License-Identifier: MIT
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { type Clock, systemClock } from "../clock.ts";
import { FrameClient, frameOf } from "../testing/frame-client.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { type ListenTcpOptions, listenTcp, type TcpEvent } from "./listen-tcp.ts";

const query = Buffer.from("query");

/** A listener that answers each message with itself, and what begins with "?" not at all. */
async function started(options: Partial<ListenTcpOptions> = {}, clock: Clock = new ManualClock()) {
  const events: TcpEvent[] = [];
  const defaults: ListenTcpOptions = {
    host: "127.0.0.1",
    port: 0,
    maxConnections: 64,
    idleTimeoutMs: 5_000,
    respond: (message) => (message[0] === 63 ? undefined : message),
    observe: (event) => events.push(event),
  };
  const listener = await listenTcp({ ...defaults, ...options }, { clock });
  return {
    port: listener.port,
    events,
    /** Why connections were ended. */
    dropped: () => events.map((event) => (event.kind === "tcp dropped" ? event.why : event.kind)),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

describe("listenTcp()", () => {
  test("answers several queries of one connection in their order, in whatever pieces they come", async () => {
    await using server = await started();
    using client = new FrameClient(server);
    const queries = Array.from({ length: 200 }, (_, index) => Buffer.from(`query ${index}`));
    const frames = Buffer.concat(queries.map(frameOf));
    for (const byte of frames.subarray(0, 33)) client.socket.write(Buffer.of(byte));
    client.socket.end(frames.subarray(33));
    for (const each of queries) expect(await client.next()).toEqual(each);
    expect(await client.next()).toBeUndefined();
    expect(server.events).toEqual([]);
  });

  test("ends a connection that sends no whole query in time, however it trickles", async () => {
    const clock = new ManualClock();
    await using server = await started({}, clock);
    using silent = new FrameClient(server);
    using half = new FrameClient(server);
    half.socket.write(frameOf(query).subarray(0, 5));
    using slow = new FrameClient(server);
    // Each connection has one timer.
    await expect.poll(() => clock.pending).toBe(3);
    for (let second = 1; second < 5; second++) {
      clock.advance(1_000);
      // A byte of a frame that would be 257 bytes long; it is there once what another client sends after it is answered.
      slow.socket.write("\u{1}");
      using other = new FrameClient(server);
      await other.send(query).next();
    }
    clock.advance(999);
    expect(server.dropped()).toEqual([]);
    clock.advance(1);
    for (const client of [silent, half, slow]) expect(await client.next()).toBeUndefined();
    expect(server.dropped()).toEqual(["idle", "idle", "idle"]);
  });

  test("keeps a connection that asks again in time", async () => {
    const clock = new ManualClock();
    await using server = await started({}, clock);
    using client = new FrameClient(server);
    for (let round = 0; round < 5; round++) {
      expect(await client.send(query).next()).toEqual(query);
      clock.advance(4_999);
    }
    expect(server.dropped()).toEqual([]);
    clock.advance(1);
    expect(await client.next()).toBeUndefined();
  });

  test("forgets a connection that its client has ended", async () => {
    const clock = new ManualClock();
    await using server = await started({}, clock);
    using client = new FrameClient(server);
    await client.send(query).next();
    client.socket.end();
    expect(await client.next()).toBeUndefined();
    await expect.poll(() => clock.pending).toBe(0);
    expect(server.dropped()).toEqual([]);
  });

  test("answers whoever asks while others hold more connections open than there may be", async () => {
    await using server = await started({ maxConnections: 8 });
    const silent = Array.from({ length: 50 }, () => new FrameClient(server));
    try {
      using client = new FrameClient(server);
      expect(await client.send(query).next()).toEqual(query);
      const ended = await Promise.all(silent.slice(0, 43).map((each) => each.next()));
      expect(ended).toEqual(ended.map(() => undefined));
      expect(server.dropped()).toEqual(ended.map(() => "evicted"));
    } finally {
      for (const each of silent) each[Symbol.dispose]();
    }
  });

  test("ends the connection whose last query is longest ago to make room", async () => {
    await using server = await started({ maxConnections: 2 });
    using first = new FrameClient(server);
    await first.send(query).next();
    using second = new FrameClient(server);
    await second.send(query).next();
    await first.send(query).next();
    using third = new FrameClient(server);
    expect(await third.send(query).next()).toEqual(query);
    expect(await second.next()).toBeUndefined();
    expect(await first.send(query).next()).toEqual(query);
  });

  test("holds one answer for a client that asks and asks and reads nothing, and ends it in time", async () => {
    let answered = 0;
    const respond = () => {
      answered++;
      return new Uint8Array(60_000);
    };
    await using server = await started({ idleTimeoutMs: 200, respond }, systemClock);
    using client = new FrameClient(server);
    client.socket.pause();
    // 600 MB of answers; what the system's own buffers take is far below a tenth of that.
    client.send(...Array.from({ length: 10_000 }, () => query));
    await expect.poll(() => server.dropped(), { timeout: 5_000 }).toEqual(["idle"]);
    expect(answered).toBeLessThan(1_000);
  });

  test("ends a connection that sends more than any query is long, or what is none", async () => {
    await using server = await started();
    using longest = new FrameClient(server);
    expect(await longest.send(Buffer.alloc(4_096)).next()).toHaveLength(4_096);
    for (const bytes of [Buffer.of(0x10, 0x01), frameOf(Buffer.from("?"))]) {
      using client = new FrameClient(server);
      client.socket.write(bytes);
      expect(await client.next()).toBeUndefined();
    }
    expect(server.dropped()).toEqual(["refused", "refused"]);
  });

  test("goes on after clients that reset their connection or leave in the middle of a query", async () => {
    await using server = await started({ respond: () => new Uint8Array(60_000) });
    for (let round = 0; round < 20; round++) {
      using resets = new FrameClient(server);
      await once(resets.send(query, query, query).socket, "data");
      resets.socket.resetAndDestroy();
      using leaves = new FrameClient(server);
      leaves.socket.end(frameOf(query).subarray(0, 4));
      expect(await leaves.next()).toBeUndefined();
    }
    using client = new FrameClient(server);
    expect(await client.send(query).next()).toHaveLength(60_000);
  });

  test("ends every connection when it is disposed of, and is closed by then, the second time too", async () => {
    const server = await started();
    using client = new FrameClient(server);
    await client.send(query).next();
    await Promise.all([server[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]);
    expect(await client.next()).toBeUndefined();
    await server[Symbol.asyncDispose]();
    await using again = await started({ port: server.port });
    expect(again.port).toBe(server.port);
  });
});
