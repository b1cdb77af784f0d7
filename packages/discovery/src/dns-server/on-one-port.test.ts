// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { type Listen, onOnePort } from "./on-one-port.ts";

const taken = () => Object.assign(new Error("taken"), { code: "EADDRINUSE" });

/** Listeners as a system would give them whose next free port is 4000, then 4001 and so on. */
function aSystem({ takenForSecond = [], error = taken() }: { takenForSecond?: number[]; error?: Error } = {}) {
  const open = new Set<string>();
  const asked: number[] = [];
  let free = 4_000;
  const listener = (name: string, port: number) => {
    open.add(name);
    return Promise.resolve({ port, [Symbol.asyncDispose]: () => Promise.resolve(void open.delete(name)) });
  };
  const first: Listen = (port) => {
    asked.push(port);
    return listener("first", port === 0 ? free++ : port);
  };
  const second: Listen = (port) => {
    return takenForSecond.includes(port) ? Promise.reject(error) : listener("second", port);
  };
  return { first, second, open, asked };
}

describe("onOnePort()", () => {
  test("starts the second where the first has found room, and ends both", async () => {
    const { first, second, open } = aSystem();
    const listener = await onOnePort(0, first, second);
    expect(listener.port).toBe(4_000);
    expect([...open]).toEqual(["first", "second"]);
    await listener[Symbol.asyncDispose]();
    expect(open.size).toBe(0);
  });

  test("asks for another port when the second cannot have the first one's", async () => {
    const { first, second, asked } = aSystem({ takenForSecond: [4_000, 4_001] });
    expect((await onOnePort(0, first, second)).port).toBe(4_002);
    expect(asked).toEqual([0, 0, 0]);
  });

  test("does not look for another one than it was told, and leaves nothing open", async () => {
    const { first, second, open, asked } = aSystem({ takenForSecond: [53] });
    await expect(onOnePort(53, first, second)).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(asked).toEqual([53]);
    expect(open.size).toBe(0);
  });

  test("gives up after 20 ports, and at once when it is about something else", async () => {
    const all = Array.from({ length: 100 }, (_, index) => 4_000 + index);
    const full = aSystem({ takenForSecond: all });
    await expect(onOnePort(0, full.first, full.second)).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(full.asked).toHaveLength(20);
    const forbidden = aSystem({ takenForSecond: all, error: new Error("forbidden") });
    await expect(onOnePort(0, forbidden.first, forbidden.second)).rejects.toThrow("forbidden");
    expect(forbidden.asked).toHaveLength(1);
    expect(forbidden.open.size).toBe(0);
  });
});
