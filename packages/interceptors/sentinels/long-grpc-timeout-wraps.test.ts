import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawServer } from "../src/testing/raw-server.ts";
import { http2Call, mended } from "./support.ts";

test("a grpc-timeout above 24.8 days is over at once", async () => {
  await using server = await rawServer({ Get: () => undefined });
  const { "grpc-status": code } = await http2Call(server.target, { "grpc-timeout": "1000H" });
  const workaround = "what server/deadline.ts makes of a far deadline (D5)";
  expect(code, mended("a long grpc-timeout wraps", workaround)).toBe(`${status.DEADLINE_EXCEEDED}`);
});
