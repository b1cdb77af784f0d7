import { createChannel, createClient } from "nice-grpc";
import { expect, test } from "vitest";
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

test("nice-grpc puts no deadline on the wire, whatever the call says", async () => {
  let deadline: Date | number | undefined;
  await using server = await rawServer({
    Get: (call) => {
      deadline = call.getDeadline();
      call.write(Buffer.from("ok"));
      call.end();
    },
  });
  const channel = createChannel(server.target);
  try {
    const client = createClient(definition, channel);
    await client.get(Buffer.from("x"), { deadline: Date.now() + 5_000 } as object);
  } finally {
    channel.close();
  }
  const workaround =
    "packages/rpc/src/client/intercept-channel.ts, as far as it carries deadlines (client/deadline.ts)";
  expect(deadline, mended("nice-grpc sends no deadline", workaround)).toBe(Infinity);
});
