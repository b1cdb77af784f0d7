import { once } from "node:events";
import { constants, createServer, type Http2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawClient } from "../src/testing/raw-server.ts";
import { call, mended } from "./support.ts";

/** The code of a call whose first stream is refused before any work is done. */
async function codeAfterRefusal(options: object): Promise<status> {
  const server = createServer();
  const sessions = new Set<Http2Session>();
  let streams = 0;
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    streams += 1;
    if (streams === 1) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "0" }, { endStream: true });
    stream.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  using client = rawClient(`127.0.0.1:${(server.address() as AddressInfo).port}`, options);
  try {
    const { code } = await call(client, "Get");
    return code;
  } finally {
    for (const session of sessions) session.destroy();
    server.close();
  }
}

test("grpc.enable_retries: 0 ends transparent retries too", async () => {
  expect(await codeAfterRefusal({})).toBe(status.OK);
  const code = await codeAfterRefusal({ "grpc.enable_retries": 0 });
  const workaround = "leaving grpc.enable_retries alone (R5)";
  expect(code, mended("enable_retries 0 ends transparent retries", workaround)).toBe(status.UNAVAILABLE);
});
