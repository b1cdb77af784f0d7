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

/** One unary call through a client's chain; below it stands what answers at once. Returns whether it has ended with OK. */
export function clientCall(chain: readonly Interceptor[]): () => boolean {
  const begin = chain.reduceRight<NextCall>(
    (next, interceptor) => (options) => interceptor(options, next),
    () => new AnsweringCall(),
  );
  return () => {
    let code: status | undefined;
    const call = begin({ method_definition: { ...unary, ...codecs } });
    call.start(new Metadata(), {
      onReceiveMetadata: () => undefined,
      onReceiveMessage: () => undefined,
      onReceiveStatus: (result) => (code = result.code),
    });
    call.sendMessageWithContext({}, RESPONSE);
    call.halfClose();
    return code === status.OK;
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

/** One unary call through a server's chain, with a handler that answers at once. Returns whether one status was sent. */
export function serverCall(chain: readonly ServerInterceptor[]): () => boolean {
  const method = { ...unary, requestDeserialize: asIs, responseSerialize: asIs };
  return () => {
    const wire = new WireCall();
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
    return wire.statuses === 1;
  };
}

class WireCall implements ServerInterceptingCallInterface {
  statuses = 0;
  #listener: ServerListener | undefined;

  receive(): void {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(HEADERS)) metadata.set(key, value);
    this.#listener?.onReceiveMetadata(metadata);
    this.#listener?.onReceiveMessage({ productId: "prod_1" });
    this.#listener?.onReceiveHalfClose();
    // As grpc-js does after every end.
    this.#listener?.onCancel();
  }
  start(listener: ServerListener): void {
    this.#listener = listener;
  }
  sendMessage(_message: unknown, callback: () => void): void {
    callback();
  }
  sendStatus(): void {
    this.statuses += 1;
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
