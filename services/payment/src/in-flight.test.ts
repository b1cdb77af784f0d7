import { describe, expect, test } from "vitest";
import { inFlight } from "./in-flight.ts";

describe("inFlight()", () => {
  test("is settled when every run has ended, well or not", async () => {
    const calls = inFlight();
    const ends: PromiseWithResolvers<string>[] = [];
    const run = calls.wrap(() => {
      const end = Promise.withResolvers<string>();
      ends.push(end);
      return end.promise;
    });
    const [first, second] = [run(), run()];
    let settled = false;
    const waiting = calls.settled().then(() => (settled = true));
    ends[0]?.resolve("a");
    expect(await first).toBe("a");
    expect(settled).toBe(false);
    ends[1]?.reject(new Error("b"));
    await expect(second).rejects.toThrow("b");
    await waiting;
    expect(settled).toBe(true);
  });
});
