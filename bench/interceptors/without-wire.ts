import {
  type InterceptingCall,
  type Interceptor,
  Metadata,
  type NextCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from "@grpc/grpc-js";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { RESPONSE } from "../contenders/payload.ts";

type LowerCall = ReturnType<NextCall>;
type Listener = NonNullable<Parameters<InterceptingCall["start"]>[1]>;
type ServerListener = Parameters<ServerInterceptingCallInterface["start"]>[0];

const path = `/${ProductServiceDefinition.fullName}/${ProductServiceDefinition.methods.getProduct.name}`;
const asIs = (value: unknown): Buffer => value as Buffer;
const unary = { path, requestStream: false, responseStream: false };
const codecs = {
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};
const OK = { code: status.OK, details: "OK" };

/** Makes unary calls through a client's chain; below it stands what answers at once. Tells of each that ends with OK. */
export function clientCalls(chain: readonly Interceptor[], onOk: () => void): () => void {
  const begin = chain.reduceRight<NextCall>(
    (next, interceptor) => (options) => interceptor(options, next),
    () => new AnsweringCall(),
  );
  return () => {
    const call = begin({ method_definition: { ...unary, ...codecs } });
    call.start(new Metadata(), {
      onReceiveMetadata: () => undefined,
      onReceiveMessage: () => undefined,
      onReceiveStatus: ({ code }) => {
        if (code === status.OK) onOk();
      },
    });
    call.sendMessageWithContext({}, RESPONSE);
    call.halfClose();
  };
}

class AnsweringCall implements LowerCall {
  #listener: Partial<Listener> = {};

  start(_metadata: Metadata, listener: Partial<Listener> = {}): void {
    this.#listener = listener;
  }
  halfClose(): void {
    this.#listener.onReceiveMetadata?.(new Metadata());
    this.#listener.onReceiveMessage?.(RESPONSE);
    this.#listener.onReceiveStatus?.({ ...OK, metadata: new Metadata() });
  }
  sendMessageWithContext = (): void => undefined;
  sendMessage = (): void => undefined;
  startRead = (): void => undefined;
  cancelWithStatus = (): void => undefined;
  getPeer = (): string => "127.0.0.1:50051";
  getAuthContext = (): null => null;
}

/** What a client with all interceptors sends. */
const HEADERS = {
  "x-request-id": "0193c9d0-1b2c-7def-8123-456789abcdef",
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  authorization: `Bearer ${"eyJhbGciOiJFZERTQSJ9".repeat(12)}`,
};

/** The same through a server's chain, with a handler that answers at once. Tells of each OK that is sent. */
export function serverCalls(chain: readonly ServerInterceptor[], onOk: () => void): () => void {
  const method = { ...unary, requestDeserialize: asIs, responseSerialize: asIs };
  return () => {
    const wire = new WireCall(onOk);
    const call = chain.reduce<ServerInterceptingCallInterface>((inner, each) => each(method, inner), wire);
    call.start({
      onReceiveMetadata: () => call.startRead(),
      onReceiveMessage: () => call.startRead(),
      onReceiveHalfClose: () => {
        call.sendMetadata(new Metadata());
        call.sendMessage(RESPONSE, () => call.sendStatus({ ...OK, metadata: new Metadata() }));
      },
      onCancel: () => undefined,
    });
    wire.receive();
  };
}

class WireCall implements ServerInterceptingCallInterface {
  readonly #onOk: () => void;
  #listener: ServerListener | undefined;

  constructor(onOk: () => void) {
    this.#onOk = onOk;
  }

  receive(): void {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(HEADERS)) metadata.set(key, value);
    this.#listener?.onReceiveMetadata(metadata);
    this.#listener?.onReceiveMessage({ productId: "prod_1" });
    this.#listener?.onReceiveHalfClose();
  }
  start(listener: ServerListener): void {
    this.#listener = listener;
  }
  sendMessage(_message: unknown, callback: () => void): void {
    callback();
  }
  sendStatus({ code }: { code?: status | null }): void {
    if (code === status.OK) this.#onOk();
    // As grpc-js does after every end.
    queueMicrotask(() => this.#listener?.onCancel());
  }
  sendMetadata = (): void => undefined;
  startRead = (): void => undefined;
  getPeer = (): string => "127.0.0.1:50051";
  getDeadline = (): number => Date.now() + 5_000;
  getHost = (): string => "bench";
  getAuthContext = () => ({});
  getConnectionInfo = () => ({});
  getMetricsRecorder = (): never => {
    throw new Error("No interceptor here records load");
  };
}
