import { expect, test } from "vitest";
import { inChild, mended } from "./support.ts";

test("half a character in a status text ends the server's process", async () => {
  const { code, stderr } = await inChild(`
    callOnce((call, callback) => setImmediate(() => callback({ code: 3, details: "😀".slice(0, 1) })));
  `);
  const workaround = "fitText of status.ts, and server/status-guard.ts's use of it";
  expect(stderr, mended("a lone surrogate ends the server", workaround)).toContain("URIError");
  expect(code).not.toBe(0);
});
