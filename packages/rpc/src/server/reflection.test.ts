import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  type ServerReflectionRequest,
  ServerReflectionDefinition as V1,
} from "@holdfast/contracts/grpc/reflection/v1/reflection";
import { ServerReflectionDefinition as V1Alpha } from "@holdfast/contracts/grpc/reflection/v1alpha/reflection";
import { describe, expect, test } from "vitest";
import { connect } from "../index.ts";
import { aServer } from "../testing/a-server.ts";

async function ask(definition: typeof V1, target: string, request: Partial<ServerReflectionRequest>) {
  using reflection = connect(definition, target, { timeoutMs: 5_000 });
  const requests = async function* () {
    yield { host: "", ...request };
  };
  for await (const response of reflection.serverReflectionInfo(requests())) {
    const files = response.fileDescriptorResponse?.fileDescriptorProto ?? [];
    return {
      services: response.listServicesResponse?.service.map(({ name }) => name),
      files: files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name),
      error: response.errorResponse?.errorCode,
    };
  }
  throw new Error("No answer");
}

describe.each([
  ["v1", V1],
  ["v1alpha", V1Alpha as unknown as typeof V1],
])("reflection %s", (_, definition) => {
  test("lists the services of this server", async () => {
    await using server = await aServer({});
    const { services } = await ask(definition, server.target, { listServices: "" });
    expect(services).toEqual([
      "ecommerce.admin.v1.AdminService",
      "ecommerce.order.v1.OrderService",
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
    ]);
  });

  test.each([
    ["a service by symbol", { fileContainingSymbol: "ecommerce.order.v1.OrderService" }],
    ["a method by symbol", { fileContainingSymbol: "ecommerce.order.v1.OrderService.CreateOrder" }],
    ["a nested enum by symbol", { fileContainingSymbol: "ecommerce.order.v1.Order.State" }],
    ["a well-known type by symbol", { fileContainingSymbol: "google.protobuf.Timestamp" }],
    ["a well-known type by file name", { fileByFilename: "google/protobuf/timestamp.proto" }],
    ["a contract by file name", { fileByFilename: "ecommerce/order/v1/order.proto" }],
  ])("finds %s", async (_name, request) => {
    await using server = await aServer({});
    const { files } = await ask(definition, server.target, request);
    expect(files.length).toBeGreaterThan(0);
  });

  test("answers NOT_FOUND for a symbol that is not there", async () => {
    await using server = await aServer({});
    expect(await ask(definition, server.target, { fileContainingSymbol: "no.such.Thing" })).toMatchObject({ error: 5 });
  });
});
