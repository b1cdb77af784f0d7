// SPDX-License-Identifier: MIT
import {
  type InterceptingCall,
  type Interceptor,
  type InterceptorOptions,
  Metadata,
  type NextCall,
  type StatusObject,
  status,
} from "@grpc/grpc-js";

type LowerCall = ReturnType<NextCall>;
type Listener = Parameters<InterceptingCall["start"]>[1];

/** What a test may say of a call; the rest has a default. */
export interface CallShape {
  /** @default "/test.v1.Test/Get" */
  path?: string;
  requestStream?: boolean;
  responseStream?: boolean;
  /** As the caller sends it. */
  metadata?: Record<string, string>;
  deadline?: number;
  /** Answers every attempt as soon as it has started, before the test goes on. */
  answer?: (attempt: FakeAttempt, index: number) => void;
}

/** One `next(options)` of the innermost interceptor: what would have gone on the wire, and the server's side of it. */
export class FakeAttempt {
  readonly options: InterceptorOptions;
  metadata: Metadata | undefined;
  readonly messages: unknown[] = [];
  halfClosed = false;
  reads = 0;
  /** With which code the attempt was cancelled from above. */
  cancelled: status | undefined;
  #listener: Listener;
  #ended = false;

  constructor(options: InterceptorOptions) {
    this.options = options;
  }

  /** A value of the metadata that this attempt was started with. */
  header(key: string): string | undefined {
    return this.metadata?.get(key)[0]?.toString();
  }

  get started(): boolean {
    return this.metadata !== undefined;
  }

  sendHeaders(headers: Record<string, string> = {}): void {
    this.#listener?.onReceiveMetadata?.(metadataOf(headers));
  }

  sendMessage(message: unknown): void {
    this.#listener?.onReceiveMessage?.(message);
  }

  /** Ends the attempt. A second status does nothing, as on the wire. */
  end(code: status, trailers: Record<string, string | Buffer> = {}, details = `status ${code}`): void {
    this.endWith({ code, details, metadata: metadataOf(trailers) });
  }

  endWith(result: StatusObject): void {
    if (this.#ended) return;
    this.#ended = true;
    // As grpc-js does for a unary response that never came.
    const { responseStream } = this.options.method_definition;
    if (!responseStream && result.code !== status.OK) this.#listener?.onReceiveMessage?.(null);
    this.#listener?.onReceiveStatus?.(result);
  }

  /** Headers, one message, OK. */
  succeed(message: unknown = "ok"): void {
    this.sendHeaders();
    this.sendMessage(message);
    this.end(status.OK);
  }

  /** @internal */
  lowerCall(onStart: () => void): LowerCall {
    return {
      start: (metadata, listener) => {
        this.metadata = metadata;
        this.#listener = listener;
        onStart();
      },
      sendMessageWithContext: ({ callback }, message) => {
        this.messages.push(message);
        // Later on the wire, when it is written; at once is the harder case for whoever sends the next one.
        callback?.();
      },
      sendMessage: (message) => void this.messages.push(message),
      halfClose: () => void (this.halfClosed = true),
      startRead: () => void (this.reads += 1),
      getPeer: () => "127.0.0.1:1",
      getAuthContext: () => null,
      cancelWithStatus: (code, details) => {
        if (this.#ended) return;
        this.cancelled = code;
        // grpc-js reports a cancellation in a later turn of the loop; at once is the harder case for whoever cancels.
        this.end(code, {}, details);
      },
    };
  }
}

/** A call through interceptors without a socket: the test is both the caller and the server. */
export class FakeCall {
  readonly attempts: FakeAttempt[] = [];
  readonly call: LowerCall;
  readonly headers: Metadata[] = [];
  readonly messages: unknown[] = [];
  /** Every final status that reached the caller: there must be exactly one. */
  readonly statuses: StatusObject[] = [];
  readonly #metadata: Metadata;
  readonly #requestStream: boolean;

  constructor(interceptors: Interceptor | readonly Interceptor[], shape: CallShape = {}) {
    const { path = "/test.v1.Test/Get", requestStream = false, responseStream = false } = shape;
    this.#metadata = metadataOf(shape.metadata ?? {});
    this.#requestStream = requestStream;
    const bottom: NextCall = (options) => {
      const attempt = new FakeAttempt(options);
      const index = this.attempts.push(attempt) - 1;
      return attempt.lowerCall(() => shape.answer?.(attempt, index));
    };
    const chain = [interceptors].flat().reduceRight<NextCall>((next, each) => (options) => each(options, next), bottom);
    this.call = chain({
      method_definition: { path, requestStream, responseStream, requestSerialize: bytes, responseDeserialize: String },
      ...(shape.deadline !== undefined && { deadline: shape.deadline }),
    });
  }

  /** Starts the call and, unless the request is a stream, sends one message and the end. */
  start(message: unknown = "request"): this {
    this.call.start(this.#metadata, {
      onReceiveMetadata: (metadata) => void this.headers.push(metadata),
      onReceiveMessage: (received) => void this.messages.push(received),
      onReceiveStatus: (received) => void this.statuses.push(received),
    });
    if (this.#requestStream) return this;
    this.call.sendMessage(message);
    this.call.halfClose();
    return this;
  }

  /** The last attempt so far. */
  get attempt(): FakeAttempt {
    const attempt = this.attempts.at(-1);
    if (attempt === undefined) throw new Error("There has been no attempt");
    return attempt;
  }

  get status(): StatusObject | undefined {
    return this.statuses[0];
  }

  cancel(): void {
    this.call.cancelWithStatus(status.CANCELLED, "the caller cancelled");
  }
}

export function metadataOf(values: Record<string, string | Buffer>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(values)) metadata.set(key, value);
  return metadata;
}

function bytes(value: unknown): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(String(value));
}
