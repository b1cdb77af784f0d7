import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawClient, rawServer } from "../src/testing/raw-server.ts";
import { call, mended } from "./support.ts";

test("a handler that throws an error with a code answers UNKNOWN", async () => {
  await using server = await rawServer({
    Get: () => {
      throw Object.assign(new Error("no such thing"), { code: status.NOT_FOUND });
    },
  });
  using client = rawClient(server.target);
  const { code } = await call(client, "Get");
  const workaround = "the handler wrapper of server/errors.ts, as far as it catches throws";
  expect(code, mended("a thrown code is lost", workaround)).toBe(status.UNKNOWN);
});
