import type { Interceptor, ServerInterceptor } from "@grpc/grpc-js";

/** One way for a client and a server to talk. Its processes load its file and no other contender's. */
export interface Contender {
  serve(options: ServeOptions): Promise<Serving>;
  connect(options: ConnectOptions): Caller;
}

export interface ServeOptions {
  /** Of bench/interceptors. Only gRPC ones can take any. @default [] */
  interceptors?: ServerInterceptor[];
}

export interface ConnectOptions {
  port: number;
  /** Calls at the same time: as many connections for a protocol that needs one per call. */
  concurrency: number;
  /** Of bench/interceptors. @default [] */
  interceptors?: Interceptor[];
}

/** A server on a free port of loopback, with a handler that hands over the answer of payload.ts. */
export interface Serving extends AsyncDisposable {
  port: number;
}

/** A client of one contender, as its library wants it to be used. */
export interface Caller extends Disposable {
  /** One call, its answer decoded. */
  getProduct(): Promise<unknown>;
  /** One stream of MESSAGES_PER_STREAM messages, each decoded. */
  listProducts(onMessage: (message: unknown) => void): Promise<void>;
  /** The product in what getProduct gave, or in a message of listProducts, for comparison. */
  plain(answer: unknown): unknown;
}
