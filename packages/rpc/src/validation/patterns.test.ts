import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const protos = join(import.meta.dirname, "../../../../proto");

/** A fixed beginning, then classes of characters with one bound each: nothing that an expression could go back over. */
const PLAIN = /^\^\w*(\[[^\]]+\](\*|\{\d+,\d+\})?)+\$$/;

test("every pattern of the contracts is plain: no request can make it take long", () => {
  const patterns = globSync("ecommerce/**/*.proto", { cwd: protos }).flatMap((file) =>
    [...readFileSync(join(protos, file), "utf8").matchAll(/pattern(?: =|:) "((?:[^"\\]|\\.)*)"/g)].map(([, it]) => it),
  );
  expect(patterns.length).toBeGreaterThan(20);
  expect(patterns.filter((pattern) => !PLAIN.test(pattern ?? ""))).toEqual([]);
});
