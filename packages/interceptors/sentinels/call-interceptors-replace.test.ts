import { InterceptingCall, type Interceptor, Metadata } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawClient, rawServer } from "../src/testing/raw-server.ts";
import { mended, statusOf } from "./support.ts";

test("interceptors of a call replace those of its client", async () => {
  await using server = await rawServer({ Get: (stream) => void stream.end() });
  const seen: string[] = [];
  const named =
    (name: string): Interceptor =>
    (options, next) => {
      seen.push(name);
      return new InterceptingCall(next(options));
    };
  using client = rawClient(server.target, { interceptors: [named("client")] });
  const stream = client.open("Get", new Metadata(), { interceptors: [named("call")] });
  stream.resume().end();
  await statusOf(stream);
  const workaround = "the rule to give a chain to the client or the channel, never to a call";
  expect(seen, mended("a call's interceptors replace the client's", workaround)).toEqual(["call"]);
});
