import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EVERY_PRODUCT, MOST_SUBSCRIPTIONS, StockWatch } from "./stock-watch.ts";

const level = (productId: string, version: bigint) => ({ productId, stock: Number(version), version });

describe("StockWatch", () => {
  test("looks at a product when it is subscribed, and again only when it changed", () => {
    const watch = new StockWatch();
    watch.subscribe(["a", "b"]);
    expect(watch.takePending(10)).toEqual(["a", "b"]);
    watch.markChanged(new Set(["b", "not watched"]));
    expect(watch.takePending(10)).toEqual(["b"]);
    expect(watch.hasPending).toBe(false);
    watch.markChanged(new Set([EVERY_PRODUCT]));
    expect(watch.takePending(10)).toEqual(["a", "b"]);
  });

  test("holds one entry a product however often it changes", () => {
    const watch = new StockWatch();
    watch.subscribe(["a"]);
    for (let change = 0; change < 1_000; change++) watch.markChanged(new Set(["a"]));
    expect(watch.takePending(10)).toEqual(["a"]);
  });

  test("never tells an older level after a newer one, nor one twice", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 1n, max: 20n })), (versions) => {
        const watch = new StockWatch();
        watch.subscribe(["a"]);
        const told = versions.flatMap((version) => {
          const news = watch.tell("a", level("a", version));
          return news?.kind === "level" ? [news.level.version] : [];
        });
        expect(told).toEqual([...new Set(told)].sort((x, y) => Number(x - y)));
        expect(told.at(-1)).toBe(versions.length === 0 ? undefined : versions.reduce((x, y) => (x > y ? x : y)));
      }),
    );
  });

  test("tells a product again that is subscribed again", () => {
    const watch = new StockWatch();
    watch.subscribe(["a"]);
    expect(watch.tell("a", level("a", 3n))).toBeDefined();
    expect(watch.tell("a", level("a", 3n))).toBeUndefined();
    watch.subscribe(["a"]);
    expect(watch.tell("a", level("a", 3n))).toEqual({ kind: "level", level: level("a", 3n) });
  });

  test("tells nothing of a product that was unsubscribed while it was looked up", () => {
    const watch = new StockWatch();
    watch.subscribe(["a"]);
    const taken = watch.takePending(1);
    watch.unsubscribe(["a"]);
    watch.putBack(taken);
    expect(watch.tell("a", level("a", 1n))).toBeUndefined();
    expect(watch.hasPending).toBe(false);
  });

  test("tells an unknown product once and stops watching it", () => {
    const watch = new StockWatch();
    watch.subscribe(["a"]);
    expect(watch.tell("a", undefined)).toEqual({ kind: "unknown", productId: "a" });
    watch.markChanged(new Set([EVERY_PRODUCT]));
    expect(watch.tell("a", undefined)).toBeUndefined();
  });

  test("refuses what would be more than the limit, and counts a product once", () => {
    const watch = new StockWatch();
    const ids = Array.from({ length: MOST_SUBSCRIPTIONS }, (_, index) => `p${index}`);
    expect(watch.subscribe(ids)).toBe(true);
    expect(watch.subscribe(ids)).toBe(true);
    expect(watch.subscribe(["one more"])).toBe(false);
    watch.unsubscribe(["p0"]);
    expect(watch.subscribe(["one more", "one more"])).toBe(true);
  });
});
