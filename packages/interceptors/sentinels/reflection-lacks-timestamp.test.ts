import { ReflectionV1Implementation } from "@grpc/reflection/build/src/implementations/reflection-v1.js";
import { expect, test } from "vitest";
import { loadProto, mended } from "./support.ts";

const NOT_FOUND = 5;
const PROTO = `syntax = "proto3";
package test.v1;
import "google/protobuf/timestamp.proto";
message Moment { google.protobuf.Timestamp at = 1; }
service Test { rpc Get(Moment) returns (Moment); }
`;

test("@grpc/reflection does not find google/protobuf/timestamp.proto by its name", async () => {
  const reflection = new ReflectionV1Implementation(await loadProto(PROTO));
  const answer = reflection.handleServerReflectionRequest({
    host: "",
    fileByFilename: "google/protobuf/timestamp.proto",
    messageRequest: "fileByFilename",
  } as never);
  const workaround = "packages/rpc/src/server/reflection.ts's own descriptors";
  const message = mended("reflection lacks the well-known types", workaround);
  expect(answer.errorResponse?.errorCode, message).toBe(NOT_FOUND);
});
