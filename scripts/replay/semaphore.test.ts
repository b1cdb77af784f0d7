import { describe, expect, test } from "vitest";
import { semaphore } from "./semaphore.ts";

describe("semaphore()", () => {
  test("lets as many in as there are places, and the others in the order in which they came", async () => {
    const enter = semaphore(2);
    const entered: number[] = [];
    const leaves = [0, 1, 2, 3].map(async (n) => {
      const leave = await enter();
      entered.push(n);
      return leave;
    });
    const [first, second] = await Promise.all(leaves.slice(0, 2));
    expect(entered).toEqual([0, 1]);
    first?.();
    await leaves[2];
    expect(entered).toEqual([0, 1, 2]);
    second?.();
    await leaves[3];
    expect(entered).toEqual([0, 1, 2, 3]);
  });

  test("has all its places again when everybody has left", async () => {
    const enter = semaphore(1);
    for (let n = 0; n < 3; n++) (await enter())();
    expect(await enter()).toBeTypeOf("function");
  });
});
