import { expect, test } from "vitest";
import { rawServer } from "../src/testing/raw-server.ts";
import { http2Call, mended } from "./support.ts";

test("a negative grpc-timeout is taken for a positive one", async () => {
  let left = -1;
  await using server = await rawServer({
    Get: (stream) => {
      left = Number(stream.getDeadline()) - Date.now();
      stream.end();
    },
  });
  const answer = await http2Call(server.target, { "grpc-timeout": "-9S" });
  const message = mended("a negative grpc-timeout is accepted", "server/deadline.ts's reading of the header (D8)");
  expect(answer["grpc-status"], message).toBe("0");
  expect(left, message).toBeGreaterThan(5_000);
});
