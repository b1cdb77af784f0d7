// SPDX-License-Identifier: MIT
import {
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { metadataOf } from "./client-call.ts";

type Listener = Parameters<ServerInterceptingCallInterface["start"]>[0];
type PartialStatus = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

/** What a test may say of a call; the rest has a default. */
export interface ServerCallShape {
  /** @default "/test.v1.Test/Get" */
  path?: string;
  requestStream?: boolean;
  responseStream?: boolean;
  /** What the client sent. */
  metadata?: Record<string, string | Buffer>;
  /** When the client wants its answer, in milliseconds since the epoch. @default Infinity */
  deadline?: number;
  /** @default "127.0.0.1:1" */
  peer?: string;
  /** Of a mutual TLS connection. */
  certificate?: { subjectaltname?: string };
}

/** A call that arrives at a server's interceptors, without a socket: the test is both the client and the handler. */
export class FakeServerCall {
  /** What the handler has seen. */
  readonly handler = { metadata: undefined as Metadata | undefined, messages: [] as unknown[], halfClosed: false };
  /** Runs inside the event, where the handler's code would: for what it reads from its context. */
  onHandlerMetadata: (() => void) | undefined;
  onHandlerHalfClose: (() => void) | undefined;
  /** How often the handler was told that the call is over; grpc-js tells it after a normal end as well. */
  cancels = 0;
  /** What the client has seen. */
  readonly client = { metadata: [] as Metadata[], messages: [] as unknown[], statuses: [] as StatusObject[] };
  /** How many messages the interceptors and the handler asked for. */
  reads = 0;
  /** The outermost call, as the handler has it. */
  readonly call: ServerInterceptingCallInterface;
  readonly base: ServerInterceptingCallInterface;
  #listener: Listener | undefined;
  readonly #metadata: Metadata;

  constructor(interceptors: ServerInterceptor | readonly ServerInterceptor[], shape: ServerCallShape = {}) {
    const { path = "/test.v1.Test/Get", requestStream = false, responseStream = false } = shape;
    this.#metadata = metadataOf(shape.metadata ?? {});
    this.base = {
      start: (listener) => {
        this.#listener = listener;
        listener.onReceiveMetadata(this.#metadata);
      },
      sendMetadata: (metadata) => void this.client.metadata.push(metadata),
      sendMessage: (message, callback) => {
        this.client.messages.push(message);
        callback();
      },
      sendStatus: ({ code, details, metadata }) =>
        void this.client.statuses.push({
          code: code ?? status.UNKNOWN,
          details: details ?? "",
          metadata: metadata ?? metadataOf({}),
        }),
      startRead: () => void (this.reads += 1),
      getPeer: () => shape.peer ?? "127.0.0.1:1",
      getDeadline: () => shape.deadline ?? Infinity,
      getHost: () => "localhost",
      getAuthContext: () =>
        (shape.certificate === undefined
          ? {}
          : { transportSecurityType: "ssl", sslPeerCertificate: shape.certificate }) as ReturnType<
          ServerInterceptingCallInterface["getAuthContext"]
        >,
      getConnectionInfo: () => ({}),
      getMetricsRecorder: () => {
        throw new Error("Not recorded");
      },
    };
    const method = {
      path,
      requestStream,
      responseStream,
      requestDeserialize: (bytes: Buffer) => bytes.toString(),
      responseSerialize: (value: unknown) => Buffer.from(String(value)),
    };
    this.call = [interceptors].flat().reduce((call, each) => each(method, call), this.base);
  }

  /** The client's headers arrive; the handler asks for the first message, as grpc-js' handlers do. */
  start(): this {
    this.call.start({
      onReceiveMetadata: (metadata) => {
        this.handler.metadata = metadata;
        this.onHandlerMetadata?.();
        this.call.startRead();
      },
      onReceiveMessage: (message) => {
        this.handler.messages.push(message);
        this.call.startRead();
      },
      onReceiveHalfClose: () => {
        this.handler.halfClosed = true;
        this.onHandlerHalfClose?.();
      },
      onCancel: () => void (this.cancels += 1),
    });
    return this;
  }

  receive(message: unknown): this {
    this.#listener?.onReceiveMessage(message);
    return this;
  }

  halfClose(): this {
    this.#listener?.onReceiveHalfClose();
    return this;
  }

  /** The stream is over: the client went away, or the status has gone out. */
  cancel(): this {
    this.#listener?.onCancel();
    return this;
  }

  /** The handler answers. */
  respond(message: unknown = "ok"): this {
    this.call.sendMessage(message, () => undefined);
    return this.end(status.OK, "");
  }

  end(code: status, details = "", trailers: Record<string, string | Buffer> = {}): this {
    const result: PartialStatus = { code, details, metadata: metadataOf(trailers) };
    this.call.sendStatus(result);
    return this;
  }

  /** The status that the client has. @throws {Error} If there is none yet. */
  get status(): StatusObject {
    const [first] = this.client.statuses;
    if (first === undefined) throw new Error("No status has been sent");
    return first;
  }
}
