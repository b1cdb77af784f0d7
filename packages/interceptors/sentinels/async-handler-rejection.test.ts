import { expect, test } from "vitest";
import { inChild, mended } from "./support.ts";

test("an async handler that rejects ends the server's process", async () => {
  const { code, stdout, stderr } = await inChild(`callOnce(async () => { throw new Error("on purpose"); });`);
  const workaround = "the handler wrapper of server/errors.ts";
  expect(stdout, mended("a rejected handler ends the process", workaround)).toBe("");
  expect(stderr).toContain("on purpose");
  expect(code).not.toBe(0);
});
