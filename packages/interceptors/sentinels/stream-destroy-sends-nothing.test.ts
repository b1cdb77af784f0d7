import { Metadata, status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawClient, rawServer } from "../src/testing/raw-server.ts";
import { mended, statusOf } from "./support.ts";

test("destroying a server's stream with an error tells the client nothing", async () => {
  await using server = await rawServer({
    Get: (stream) => {
      stream.on("error", () => undefined);
      stream.destroy(new Error("on purpose"));
    },
  });
  using client = rawClient(server.target);
  const stream = client.open("Get", new Metadata(), { deadline: Date.now() + 400 });
  stream.resume().end(Buffer.from("x"));
  const { code } = await statusOf(stream);
  const workaround = "the handler wrapper of server/errors.ts, which sends the status itself";
  expect(code, mended("destroy(error) sends nothing", workaround)).toBe(status.DEADLINE_EXCEEDED);
});
