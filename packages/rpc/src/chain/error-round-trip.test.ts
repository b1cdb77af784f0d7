import type { status } from "@grpc/grpc-js";
import { StatusError, toStatus } from "@holdfast/interceptors/server/errors";
import { statusGuard } from "@holdfast/interceptors/server/status-guard";
import { detailsOf, STATUS_DETAILS_KEY, type StatusDetails } from "@holdfast/interceptors/status";
import {
  createChannel,
  createClient,
  createServer,
  type Metadata,
  ServerError,
  type ServerMiddlewareCall,
} from "nice-grpc";
import { expect, test } from "vitest";

interface Text {
  text: string;
}
const encode = (message: Text): Buffer => Buffer.from(message.text);
const decode = (bytes: Uint8Array): Text => ({ text: Buffer.from(bytes).toString() });
const codec = {
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
};
const definition = {
  get: { path: "/test.v1.Test/Get", requestStream: false, responseStream: false, ...codec },
  list: { path: "/test.v1.Test/List", requestStream: false, responseStream: true, ...codec },
} as const;

/** nice-grpc's half of server/errors.ts: the status of whatever a handler throws. */
async function* errors<Request, Response>(
  call: ServerMiddlewareCall<Request, Response>,
  context: Parameters<typeof call.next>[1],
) {
  try {
    return yield* call.next(call.request as never, context);
  } catch (error) {
    const { code, details, metadata } = toStatus(error);
    context.trailer.set(STATUS_DETAILS_KEY, metadata.get(STATUS_DETAILS_KEY)[0] as Buffer);
    throw new ServerError(code, details);
  }
}

const details: StatusDetails = {
  reason: "CARD_DECLINED",
  domain: "payment.example",
  metadata: { transaction_id: "txn_1" },
  retryAfterMs: 250,
  violations: [{ field: "amount", description: "must be above 0" }],
  requestId: "req-12345678",
};

/** Serves handlers that throw, or succeed, and calls both shapes. */
async function callBoth(thrown: Error | undefined) {
  const server = createServer({ interceptors: [statusGuard()] }).use(errors);
  const act = (trailer: Metadata): Text => {
    if (thrown !== undefined) throw thrown;
    trailer.set("late", "yes");
    return { text: "ok" };
  };
  server.add(definition, {
    get: async (_: Text, { trailer }: { trailer: Metadata }) => act(trailer),
    async *list(_: Text, { trailer }: { trailer: Metadata }) {
      yield act(trailer);
    },
  });
  const port = await server.listen("127.0.0.1:0");
  const channel = createChannel(`127.0.0.1:${port}`);
  const client = createClient(definition, channel);
  const trailers: Metadata[] = [];
  const onTrailer = (trailer: Metadata) => void trailers.push(trailer);
  const list = async () => {
    const received: Text[] = [];
    for await (const each of client.list({ text: "x" }, { onTrailer })) received.push(each);
    return received[0];
  };
  const results = await Promise.allSettled([client.get({ text: "x" }, { onTrailer }), list()]);
  channel.close();
  await server.shutdown();
  return { results, trailers };
}

test.each(Array.from({ length: 16 }, (_, index) => (index + 1) as Exclude<status, status.OK>))(
  "E5: code %i and its details make it through nice-grpc on both sides",
  async (code) => {
    const { results, trailers } = await callBoth(new StatusError(code, "Cannot charge 😀", details));
    for (const each of results) expect(each).toMatchObject({ reason: { code, details: "Cannot charge 😀" } });
    expect(trailers).toHaveLength(2);
    for (const each of trailers) expect(detailsIn(each)).toEqual(details);
  },
);

test("E5: code 0 and its trailers make it through nice-grpc on both sides", async () => {
  const { results, trailers } = await callBoth(undefined);
  expect(results).toEqual([
    { status: "fulfilled", value: { text: "ok" } },
    { status: "fulfilled", value: { text: "ok" } },
  ]);
  expect(trailers[0]?.get("late")).toBe("yes");
});

function detailsIn(trailer: Metadata): StatusDetails | undefined {
  const bytes = trailer.get(STATUS_DETAILS_KEY);
  return detailsOf({ get: () => (bytes === undefined ? [] : [bytes]) } as never);
}
