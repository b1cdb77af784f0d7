import { once } from "node:events";
import { Metadata } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawClient, rawServer } from "../src/testing/raw-server.ts";
import { mended, statusOf } from "./support.ts";

test("forceShutdown cuts no stream when grpc.enable_channelz is 0", async () => {
  await using server = await rawServer(
    { Echo: (stream) => void stream.on("data", (bytes) => void stream.write(bytes)) },
    { "grpc.enable_channelz": 0 },
  );
  using client = rawClient(server.target);
  const stream = client.open("Echo", new Metadata());
  const cut = statusOf(stream).then(() => "cut");
  stream.write(Buffer.from("before"));
  await once(stream, "data");
  server.server.forceShutdown();
  stream.write(Buffer.from("after"));
  const next = await Promise.race([once(stream, "data").then(String), cut]);
  stream.cancel();
  const workaround =
    "serving with channelz on, or destroying the sessions of a hard stop in packages/rpc/src/server/serve.ts";
  expect(next, mended("forceShutdown without channelz", workaround)).toBe("after");
});
