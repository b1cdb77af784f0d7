import { credentials, InterceptingCall, type Interceptor, makeClientConstructor } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { rawServer } from "../src/testing/raw-server.ts";
import { loadProto, mended } from "./support.ts";

const PROTO = `syntax = "proto3";
package test.v1;
message Empty {}
service Test { rpc Get(Empty) returns (Empty) { option idempotency_level = IDEMPOTENT; } }
`;

test("a client's interceptors never see the options of a method", async () => {
  const service = (await loadProto(PROTO))["test.v1.Test"];
  const loaded = service as Parameters<typeof makeClientConstructor>[0];
  expect(loaded["Get"]).toMatchObject({ options: { idempotency_level: "IDEMPOTENT" } });
  await using server = await rawServer({ Get: (stream) => void stream.end() });
  let seen: object = { options: "not called" };
  const look: Interceptor = (options, next) => {
    seen = options.method_definition;
    return new InterceptingCall(next(options));
  };
  const Client = makeClientConstructor(loaded, "Test");
  const client = new Client(server.target, credentials.createInsecure(), { interceptors: [look] });
  try {
    await new Promise((resolve) => void client["Get"]?.({}, resolve));
  } finally {
    client.close();
  }
  const workaround = "the option `methods` of every interceptor that asks for idempotency";
  expect(seen, mended("interceptors do not see method options", workaround)).not.toHaveProperty("options");
});
