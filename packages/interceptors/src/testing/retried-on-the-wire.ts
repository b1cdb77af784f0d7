// SPDX-License-Identifier: MIT
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { type RetryEvent, type RetryOptions, retry, retryChannelOptions } from "../client/retry.ts";
import { type RawHandler, rawClient, rawServer } from "./raw-server.ts";

type Call = Parameters<RawHandler>[0];
/** What the server does with the n-th attempt, n from 0. */
export type Answer = (call: Call, index: number) => void;

const asIs = (bytes: Buffer): Buffer => bytes;
/** Every method may be tried again. */
export const METHODS = () => ({ idempotency: "IDEMPOTENT" as const });

/** A server that notes each attempt that arrives, and a real client with the interceptor. */
export async function wire(answer: Answer, options: Partial<RetryOptions> = {}) {
  const arrived: { at: number; metadata: Metadata; messages: string[] }[] = [];
  const server = await rawServer({
    Get: (call) => {
      const attempt = { at: performance.now(), metadata: call.metadata, messages: [] as string[] };
      const index = arrived.push(attempt) - 1;
      call.on("data", (bytes: Buffer) => attempt.messages.push(bytes.toString()));
      // A client that gives up resets the stream.
      call.on("error", () => undefined);
      answer(call, index);
    },
  });
  const counts = { deposits: 0, withdrawals: 0, failures: 0 };
  const budget = {
    deposit: () => void (counts.deposits += 1),
    withdraw: () => ++counts.withdrawals > 0,
    recordSuccess: () => undefined,
    recordFailure: () => void (counts.failures += 1),
  };
  const events: RetryEvent[] = [];
  const interceptor = retry({ methods: METHODS, budget, observe: (event) => events.push(event), ...options });
  const client = rawClient(server.target, { ...retryChannelOptions, interceptors: [interceptor] });
  return {
    arrived,
    counts,
    events,
    client,
    [Symbol.asyncDispose]: async () => {
      client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

type Failed = ServiceError & { attempts?: { peer: string; code: status; ms: number }[] };

/** A unary call, to its end. */
export function call({ client }: { client: ReturnType<typeof rawClient> }, options: { deadline?: number } = {}) {
  return new Promise<{ error: Failed | null; bytes: Buffer | undefined }>((resolve) => {
    const path = "/test.v1.Test/Get";
    client.makeUnaryRequest(path, asIs, asIs, Buffer.from("hello"), new Metadata(), options, (error, bytes) =>
      resolve({ error, bytes }),
    );
  });
}

/** Ends the call with an error. */
export const fail = (stream: Call, code: status, trailers: Record<string, string | Buffer> = {}): void => {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  stream.emit("error", { code, details: `status ${code}`, metadata });
};

/** Ends the call with one message and OK. */
export const succeed = (stream: Call): void => {
  stream.write(Buffer.from("world"));
  stream.end();
};

/** The first attempt fails like this, all others succeed. */
export const failOnce =
  (trailers: Record<string, string | Buffer> = {}, code = status.UNAVAILABLE): Answer =>
  (stream, index) =>
    index === 0 ? fail(stream, code, trailers) : succeed(stream);

/** What a stream ends with; the error that grpc-js raises as well is no surprise here. */
export function statusOf(stream: ReturnType<ReturnType<typeof rawClient>["open"]>): Promise<status> {
  const { promise, resolve } = Promise.withResolvers<status>();
  stream.on("error", () => undefined).on("status", ({ code }) => resolve(code));
  return promise;
}
