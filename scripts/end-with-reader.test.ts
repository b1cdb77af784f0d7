import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

test.each([
  ["holdfast", ["--help"]],
  ["audit", ["--help"]],
  ["replay", ["--help"]],
])("%s ends without a word when nobody reads its output", async (folder, args) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, folder, "main.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.destroy();
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect({ code: code as number, stderr }).toEqual({ code: 141, stderr: "" });
});

test("it ends as well when nobody reads its errors", async () => {
  const main = join(import.meta.dirname, "holdfast/main.ts");
  const child = spawn(process.execPath, [main, "--nothing"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.destroy();
  child.stdout.resume();
  expect(await once(child, "close")).toEqual([141, null]);
});
