import { status } from "@grpc/grpc-js";
import { ClientError, createChannel, createClient } from "nice-grpc";
import { expect, test } from "vitest";
import { metadataOf } from "../src/testing/client-call.ts";
import { rawServer } from "../src/testing/raw-server.ts";
import { mended } from "./support.ts";

const asIs = (bytes: Buffer): Buffer => bytes;
const definition = {
  get: {
    path: "/test.v1.Test/Get",
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
} as const;

test("a nice-grpc client's error has no trailers", async () => {
  await using server = await rawServer({
    Get: (stream) => {
      const metadata = metadataOf({ reason: "on-purpose" });
      stream.emit("error", { code: status.NOT_FOUND, details: "no such thing", metadata });
    },
  });
  const channel = createChannel(server.target);
  try {
    const error: unknown = await createClient(definition, channel)
      .get(Buffer.from("x"))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ClientError);
    const workaround = "onStatus of packages/rpc/src/client/intercept-channel.ts";
    expect(error, mended("ClientError has no metadata", workaround)).not.toHaveProperty("metadata");
  } finally {
    channel.close();
  }
});
