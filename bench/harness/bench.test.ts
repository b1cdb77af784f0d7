import { describe, expect, test } from "vitest";
import { SIZES } from "../contenders/payload.ts";
import { Bench } from "./bench.ts";
import { measureInRounds } from "./rounds.ts";

const TCP = { name: "framed TCP", contender: "framed-tcp" };
const GRPC = { name: "grpc-js", contender: "grpc-js" };

describe("a run over real processes", () => {
  test("measures every pair in every round, and both sides of it", async () => {
    await using bench = new Bench({ pinned: false });
    const plan = { rounds: 2, concurrencies: [1, 4], sliceMs: 60, leadInMs: 10, warmUpCalls: 20 };
    const order: string[] = [];
    const measurements = await measureInRounds(bench, [TCP, GRPC], "unary", plan, (text) => order.push(text));
    expect(order.filter((text) => text.startsWith("round 2"))).toEqual([
      "round 2 of 2: framed TCP, 1 at once",
      "round 2 of 2: grpc-js, 1 at once",
      "round 2 of 2: framed TCP, 4 at once",
      "round 2 of 2: grpc-js, 4 at once",
    ]);
    for (const { slices } of measurements) {
      expect(slices).toHaveLength(2);
      for (const slice of slices) expect(Object.values(slice).every((value) => value > 0)).toBe(true);
    }
  });

  test("counts the bytes on the wire", async () => {
    await using bench = new Bench({ pinned: false });
    const { up, down } = await bench.wireBytes(TCP, "unary");
    // A frame has nine bytes before the message; the request is an id of 31 characters.
    expect({ up, down }).toEqual({ up: 9 + 33, down: 9 + SIZES.protobuf });
  });

  test("fails when a server cannot start", async () => {
    await using bench = new Bench({ pinned: false });
    await expect(bench.check({ name: "?", contender: "missing" }, "unary", 1)).rejects.toThrow("missing.ts");
  });
});
