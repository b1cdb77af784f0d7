import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type ConnectOptions, connectToAny } from "./connect-to-any.ts";

const NOT_FOUND = new Error("no such name");
const HERE = "127.0.0.1";
const THERE = "127.0.0.2";

let instance: Server | undefined;
afterEach(() => void instance?.close());

/** A port that takes connections at this address; at `0.0.0.0` they are taken here and there. */
async function listening(host = HERE): Promise<number> {
  instance = createServer((socket) => socket.end()).listen(0, host);
  await once(instance, "listening");
  return (instance.address() as { port: number }).port;
}

/** Looks up `payment`; answers what `answers` has, one after the other, the last one again and again. */
function names(...answers: (readonly string[] | Error)[]) {
  const asked: string[] = [];
  const lookup = async (name: string) => {
    const answer = answers[Math.min(asked.push(name), answers.length) - 1] ?? NOT_FOUND;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { asked, lookup };
}

/** The lots of the addresses, in turn. */
function lots(...drawn: number[]): () => number {
  return () => drawn.shift() ?? 0;
}

/** The address that took the connection. */
async function taken(port: number, options: Partial<ConnectOptions>): Promise<string | undefined> {
  const common = { target: { host: "payment", port }, waitMs: 10_000, signal: new AbortController().signal };
  const socket = await connectToAny({ ...common, ...options });
  const address = socket.remoteAddress;
  socket.destroy();
  return address;
}

describe("connectToAny()", () => {
  test("looks a name up, and no address", async () => {
    const port = await listening();
    const { asked, lookup } = names([HERE]);
    expect(await taken(port, { lookup, target: { host: HERE, port } })).toBe(HERE);
    expect(asked).toEqual([]);
    expect(await taken(port, { lookup })).toBe(HERE);
    expect(asked).toEqual(["payment"]);
  });

  test("draws the instance by lot", async () => {
    const port = await listening("0.0.0.0");
    const { lookup } = names([HERE, THERE]);
    expect(await taken(port, { lookup, random: lots(0.9, 0.1) })).toBe(THERE);
    expect(await taken(port, { lookup, random: lots(0.1, 0.9) })).toBe(HERE);
  });

  test("goes to the next one where one does not take it", async () => {
    const port = await listening();
    const { asked, lookup } = names([THERE, HERE]);
    expect(await taken(port, { lookup, random: lots(0.1, 0.9) })).toBe(HERE);
    expect(asked).toHaveLength(1);
  });

  test("looks the name up again until one takes it", async () => {
    const port = await listening();
    const { asked, lookup } = names(NOT_FOUND, [THERE], [THERE, HERE]);
    expect(await taken(port, { lookup })).toBe(HERE);
    expect(asked).toHaveLength(3);
  });

  test("fails with the last reason when none takes it in time", async () => {
    const port = await listening();
    const { lookup } = names(NOT_FOUND, [THERE]);
    await expect(taken(port, { lookup, waitMs: 0 })).rejects.toBe(NOT_FOUND);
    await expect(taken(port, { lookup, waitMs: 500 })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("stops when nobody needs it any more, and says so", async () => {
    const port = await listening();
    const left = new AbortController();
    const reason = new Error("the client left");
    const lookup = async () => {
      left.abort(reason);
      throw NOT_FOUND;
    };
    await expect(taken(port, { lookup, signal: left.signal })).rejects.toBe(reason);
    await expect(taken(port, { lookup: async () => [HERE], signal: left.signal })).rejects.toBe(reason);
  });
});
