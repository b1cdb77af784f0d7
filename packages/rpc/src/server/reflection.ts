import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { AnyDefinition } from "@grpc/proto-loader";
import { ReflectionV1Implementation } from "@grpc/reflection/build/src/implementations/reflection-v1.js";
import { descriptors } from "@holdfast/contracts/descriptors";
import {
  type ServerReflectionRequest,
  ServerReflectionResponse,
  type ServerReflectionServiceImplementation,
} from "@holdfast/contracts/grpc/reflection/v1/reflection";

/**
 * Server reflection, for v1 and v1alpha alike (their messages are the same). It answers from the committed
 * descriptors, so that the well-known types are found by symbol and by file name too: given a proto-loader definition
 * as is, the library knows them by symbol only.
 */
export function reflectionHandlers(serviceNames: readonly string[]): ServerReflectionServiceImplementation {
  const files = fromBinary(FileDescriptorSetSchema, descriptors).file;
  const fileDescriptorProtos = files.map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file)));
  const contracts = { fileDescriptorProtos } as AnyDefinition;
  const library = new ReflectionV1Implementation({ contracts }, { services: [...serviceNames] });
  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        const answer = library.handleServerReflectionRequest(withOneofName(request) as LibraryRequest);
        yield ServerReflectionResponse.fromPartial(answer as never);
      }
    },
  };
}

/** Its generated types want every key present; it reads the one that is named. */
type LibraryRequest = Parameters<ReflectionV1Implementation["handleServerReflectionRequest"]>[0];

/** The library wants the name of the field that is set, as proto-loader gives it. */
function withOneofName(request: ServerReflectionRequest) {
  const messageRequest = Object.entries(request).find(([key, value]) => key !== "host" && value !== undefined)?.[0];
  return { ...request, messageRequest };
}
