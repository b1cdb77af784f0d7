import { ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawClient, rawServer } from "../src/testing/raw-server.ts";
import { call, mended } from "./support.ts";

test("a call of an unknown method passes no interceptor", async () => {
  let seen = 0;
  const watch: ServerInterceptor = (_, lower) => {
    seen += 1;
    return new ServerInterceptingCall(lower);
  };
  await using server = await rawServer({ Get: (stream) => void stream.end() }, { interceptors: [watch] });
  using client = rawClient(server.target);
  await call(client, "Get");
  expect(seen).toBe(1);
  expect(await call(client, "Missing")).toMatchObject({ code: status.UNIMPLEMENTED });
  const workaround = "packages/rpc/src/server/unknown-method.ts";
  expect(seen, mended("UNIMPLEMENTED bypasses interceptors", workaround)).toBe(1);
});
