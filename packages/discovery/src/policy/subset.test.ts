// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { subset } from "./subset.ts";

const hosts = (count: number): string[] => Array.from({ length: count }, (_, i) => `10.0.0.${i}:50051`);

describe("subset()", () => {
  test("S8: the same client chooses the same, whatever the order of the list", () => {
    const list = hosts(20);
    expect(new Set(subset(list.toReversed(), 5, "a"))).toEqual(new Set(subset(list, 5, "a")));
    expect(subset(list, 5, "a")).not.toEqual(subset(list, 5, "b"));
  });

  test("S8: one that leaves or joins changes at most one of the chosen", () => {
    const keys = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 10 }), fc.string(), fc.nat(), (list, size, client, at) => {
        const before = new Set(subset(list, size, client));
        const gone = list[at % list.length] ?? "";
        const after = subset(
          list.filter((key) => key !== gone),
          size,
          client,
        );
        const fresh = after.filter((key) => !before.has(key));
        expect(fresh.length).toBeLessThanOrEqual(before.has(gone) ? 1 : 0);
      }),
    );
  });

  test("S8: many clients spread over all hosts", () => {
    const uses = new Map<string, number>();
    for (let client = 0; client < 1_000; client++) {
      for (const host of subset(hosts(10), 3, `client-${client}`)) uses.set(host, (uses.get(host) ?? 0) + 1);
    }
    for (const count of uses.values()) expect(count / 300).toBeCloseTo(1, 0);
    expect(uses.size).toBe(10);
  });

  test("chooses all when 0 is asked for, or there are no more", () => {
    expect(subset(hosts(3), 0, "a")).toEqual(hosts(3));
    expect(subset(hosts(3), 3, "a")).toEqual(hosts(3));
  });
});
