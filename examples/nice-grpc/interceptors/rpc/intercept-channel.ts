// SPDX-License-Identifier: MIT
/**
 * Copy:    rpc/intercept-channel.ts
 * Place:   around a channel, for clients that take a channel and no interceptors, as nice-grpc's do.
 * Does:    sends every call of the channel through grpc-js client interceptors, with options that the caller may add.
 * Doesn't: serialize: interceptors see messages as bytes.
 * With:    -
 * Source:  grpc-js' client-interceptors.ts, whose base call this repeats for a channel.
 */
import {
  type CallOptions,
  type Channel,
  type ChannelInterface,
  type Interceptor,
  type Metadata,
  type NextCall,
  type StatusObject,
  type status,
} from "@grpc/grpc-js";

type Call = ReturnType<ChannelInterface["createCall"]>;
type Listener = Parameters<Call["start"]>[1];
type MessageContext = Parameters<Call["sendMessageWithContext"]>[0];
type LowerCall = ReturnType<NextCall>;

/** What the code above the channel has to say about a call; its library has no way to. */
export interface Outgoing {
  /** Passed to the interceptors, before what the library says. */
  readonly options?: Partial<CallOptions>;
  /** Whether the call may wait for a connection instead of failing without one. @default false */
  readonly waitForReady?: boolean;
  /** Told the final status as the interceptors made it, properties of their own included. */
  onStatus?(status: StatusObject): void;
}

export interface InterceptChannelOptions {
  /** Which methods have one response, and which have a stream; an unknown one is taken for a stream. */
  methods: (path: string) => { requestStream: boolean; responseStream: boolean } | undefined;
  /** Asked once for each call, when it starts. */
  outgoing?: () => Outgoing | undefined;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** A channel whose calls go through `interceptors`, the first one outermost. */
export function interceptChannel(
  channel: Channel,
  interceptors: readonly Interceptor[],
  { methods, outgoing = () => undefined }: InterceptChannelOptions,
): Channel {
  const chain = interceptors.reduceRight<NextCall>(
    (next, interceptor) => (options) => interceptor(options, next),
    (options) => new BaseCall(channel, options),
  );
  const definitions = new Map<string, Parameters<NextCall>[0]["method_definition"]>();
  const definitionOf = (path: string) => {
    const known = definitions.get(path);
    if (known !== undefined) return known;
    const { requestStream, responseStream } = methods(path) ?? { requestStream: true, responseStream: true };
    const definition = {
      path,
      requestStream,
      responseStream,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
    definitions.set(path, definition);
    return definition;
  };
  const wrapped: ChannelInterface = {
    close: () => channel.close(),
    getTarget: () => channel.getTarget(),
    getConnectivityState: (tryToConnect) => channel.getConnectivityState(tryToConnect),
    watchConnectivityState: (state, deadline, callback) => channel.watchConnectivityState(state, deadline, callback),
    getChannelzRef: () => channel.getChannelzRef(),
    createCall: (path, deadline, host, parent, propagateFlags) => {
      const said = outgoing();
      const options: Parameters<NextCall>[0] = { method_definition: definitionOf(path), deadline, ...said?.options };
      if (host !== null && host !== undefined) options.host = host;
      // One class under two names.
      if (parent !== null) options.parent = parent as NonNullable<CallOptions["parent"]>;
      if (propagateFlags !== null && propagateFlags !== undefined) options.propagate_flags = propagateFlags;
      return new InterceptedCall(chain, options, said);
    },
  };
  // The library names its own class where it takes the interface.
  return wrapped as Channel;
}

/** Starts the chain only when the call starts: credentials are set between the two. */
class InterceptedCall implements Call {
  readonly #chain: NextCall;
  readonly #options: Parameters<NextCall>[0];
  readonly #outgoing: Outgoing | undefined;
  #call: LowerCall | undefined;
  #listener: Listener | undefined;
  #cancelledEarly: [status, string] | undefined;

  constructor(chain: NextCall, options: Parameters<NextCall>[0], outgoing: Outgoing | undefined) {
    this.#chain = chain;
    this.#options = options;
    this.#outgoing = outgoing;
  }

  start(metadata: Metadata, listener: Listener): void {
    if (this.#outgoing?.waitForReady === true) metadata.setOptions({ ...metadata.getOptions(), waitForReady: true });
    this.#call = this.#chain(this.#options);
    this.#listener = listener;
    this.#call.start(metadata, this);
    if (this.#cancelledEarly !== undefined) this.#call.cancelWithStatus(...this.#cancelledEarly);
  }

  setCredentials(credentials: Parameters<Call["setCredentials"]>[0]): void {
    this.#options.credentials = credentials;
  }

  cancelWithStatus(code: status, details: string): void {
    if (this.#call === undefined) this.#cancelledEarly = [code, details];
    else this.#call.cancelWithStatus(code, details);
  }

  sendMessageWithContext(context: MessageContext, message: Buffer): void {
    this.#call?.sendMessageWithContext(context, message);
  }

  startRead(): void {
    // The base call reads the one response by itself, for every attempt.
    if (this.#options.method_definition.responseStream) this.#call?.startRead();
  }

  halfClose(): void {
    this.#call?.halfClose();
  }

  getPeer(): string {
    return this.#call?.getPeer() ?? this.#options.host ?? "";
  }

  getCallNumber(): number {
    return 0;
  }

  getAuthContext(): ReturnType<Call["getAuthContext"]> {
    return this.#call?.getAuthContext() ?? null;
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#listener?.onReceiveMetadata(metadata);
  }

  onReceiveMessage(message: Buffer | null): void {
    // Without a response the interceptors get null, as from grpc-js; the library above would try to parse it.
    if (message !== null) this.#listener?.onReceiveMessage(message);
  }

  onReceiveStatus(result: StatusObject): void {
    this.#outgoing?.onStatus?.(result);
    this.#listener?.onReceiveStatus(result);
  }
}

/** What stands below the last interceptor: the channel's own call, with the manners of grpc-js' base call. */
class BaseCall implements LowerCall {
  readonly #call: Call;
  readonly #responseStream: boolean;
  #listener: Partial<Listener> = {};
  #answered = false;

  constructor(channel: Channel, options: Parameters<NextCall>[0]) {
    const { method_definition: method, deadline = Infinity, host, parent = null, propagate_flags: flags } = options;
    this.#call = channel.createCall(method.path, deadline, host, parent, flags);
    this.#responseStream = method.responseStream;
    if (options.credentials !== undefined) this.#call.setCredentials(options.credentials);
  }

  start(metadata: Metadata, listener: Partial<Listener> = {}): void {
    this.#listener = listener;
    this.#call.start(metadata, this);
    if (!this.#responseStream) this.#call.startRead();
  }

  sendMessageWithContext(context: MessageContext, message: Buffer): void {
    this.#call.sendMessageWithContext(context, message);
  }

  sendMessage(message: Buffer): void {
    this.#call.sendMessageWithContext({}, message);
  }

  startRead(): void {
    this.#call.startRead();
  }

  halfClose(): void {
    this.#call.halfClose();
  }

  cancelWithStatus(code: status, details: string): void {
    this.#call.cancelWithStatus(code, details);
  }

  getPeer(): string {
    return this.#call.getPeer();
  }

  getAuthContext(): ReturnType<Call["getAuthContext"]> {
    return this.#call.getAuthContext();
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#listener.onReceiveMetadata?.(metadata);
  }

  onReceiveMessage(message: Buffer): void {
    this.#answered = true;
    this.#listener.onReceiveMessage?.(message);
  }

  onReceiveStatus(result: StatusObject): void {
    if (!this.#answered && !this.#responseStream) this.#listener.onReceiveMessage?.(null);
    this.#listener.onReceiveStatus?.(result);
  }
}
