import { expect, test } from "vitest";
import { inChild, mended } from "./support.ts";

test("a server interceptor that throws ends the server's process", async () => {
  const { code, stdout, stderr } = await inChild(`
    const thrower = (method, call) => new grpc.ServerInterceptingCall(call, {
      start: (next) => next({ onReceiveMetadata() { throw new Error("on purpose"); } }),
    });
    callOnce((call, callback) => callback(null, Buffer.from("x")), { interceptors: [thrower] });
  `);
  expect(stdout, mended("a throwing interceptor ends the process", "guard of server/guard.ts")).toBe("");
  expect(stderr).toContain("on purpose");
  expect(code).not.toBe(0);
});
