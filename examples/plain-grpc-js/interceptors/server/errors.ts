// SPDX-License-Identifier: MIT
/**
 * Copy:    server/errors.ts
 * Place:   server, around the handlers: inside of all interceptors. No interceptor can do it: by the time that one hears of
 *          a throw, grpc-js has made UNKNOWN of it, or ended the process.
 * Does:    lets handlers be async functions and async generators that throw; makes a status with details of all they throw.
 * Doesn't: read what the call carries (server/context.ts): without that, a handler's context has a signal and no deadline.
 *          Tell a request stream that was cancelled from a complete one: a grpc-js client that cancels ends its side
 *          first. Where half a stream is not to be taken for all of it, the last message has to say that it is the last.
 * With:    context.ts, status.ts
 * Source:  AIP-193; gRFC A54: a status of a service further down is not passed on as one's own.
 */
import { randomUUID } from "node:crypto";
import {
  Metadata,
  type sendUnaryData,
  type ServerDuplexStream,
  type StatusObject,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { harmless, newContext, type RpcContext, rpcContext } from "../context.ts";
import { type StatusDetails, statusOf } from "../status.ts";

/** An error that the caller can act on. Its cause is for the log, and never sent. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: Exclude<status, status.OK>;
  readonly details: StatusDetails;

  constructor(code: Exclude<status, status.OK>, text: string, details: StatusDetails, options?: ErrorOptions) {
    super(text, options);
    this.code = code;
    this.details = details;
  }
}

/** What becomes of each kind of a union of domain errors: a kind that is not in the table is an error of types. */
export type ErrorTable<Errors extends { readonly kind: string }> = {
  readonly [Kind in Errors["kind"]]: (error: Extract<Errors, { readonly kind: Kind }>) => StatusError;
};

/** The table as a function; of what is not in it, undefined. */
export function fromTable<Errors extends { readonly kind: string }>(table: ErrorTable<Errors>) {
  return (error: unknown): StatusError | undefined => {
    if (typeof error !== "object" || error === null || !("kind" in error)) return undefined;
    const kind = String(error.kind);
    return Object.hasOwn(table, kind) ? table[kind as Errors["kind"]](error as never) : undefined;
  };
}

export interface ToStatusOptions {
  /** What the caller may quote. @default none */
  requestId?: string | undefined;
  /** Domain errors, such as {@link fromTable} gives. Asked first. @default none */
  known?: (error: unknown) => StatusError | undefined;
  /** The call's: what is thrown once it is aborted is thrown because of that. */
  signal?: AbortSignal | undefined;
  /** Whether DebugInfo with the stack goes along. @default false */
  debug?: boolean;
  /** What is said of an unexpected error. @default INTERNAL, with RequestInfo */
  internal?: (requestId: string) => StatusDetails;
}

/** The status for whatever has been thrown. Never throws. */
export function toStatus(error: unknown, options: ToStatusOptions = {}): StatusObject {
  try {
    const { code, message, details } = toStatusError(error, options);
    const debug = options.debug === true && error instanceof Error ? error.stack : undefined;
    return statusOf(code, message, debug === undefined ? details : { ...details, debug });
  } catch {
    // An error that throws when it is looked at, or one that the table has not foreseen.
    return statusOf(status.INTERNAL, "Internal error", { reason: "INTERNAL", requestId: options.requestId });
  }
}

/** The error as the caller may know it. What it was is its cause. */
export function toStatusError(error: unknown, options: ToStatusOptions = {}): StatusError {
  const known = error instanceof StatusError ? error : options.known?.(error);
  if (known !== undefined) return known;
  if (options.signal?.aborted === true && isAbort(error, options.signal)) return aborted(options.signal, error);
  return fromDownstream(error) ?? internal(error, options);
}

function internal(cause: unknown, { requestId = "", internal: describe }: ToStatusOptions): StatusError {
  const details = describe?.(requestId) ?? { reason: "INTERNAL", requestId };
  return new StatusError(status.INTERNAL, "Internal error", details, { cause });
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && /^(Abort|Timeout)Error$/.test(error.name));
}

function aborted(signal: AbortSignal, cause: unknown): StatusError {
  return signal.reason instanceof Error && signal.reason.name === "TimeoutError" ? tooLate(cause) : callerGone(cause);
}

/**
 * An error of a call to another service, known by its numeric code as grpc-js' ServiceError and nice-grpc's ClientError have
 * it. What it says is about our call, not about our caller's: only that we wait for somebody means the same to both. When
 * to come back is not passed on either: the caller's retry would come on top of ours.
 */
function fromDownstream(error: unknown): StatusError | undefined {
  // DOMException has numbers of its own.
  if (!(error instanceof Error) || error instanceof DOMException || !("code" in error)) return undefined;
  switch (error.code) {
    case status.UNAVAILABLE:
    case status.RESOURCE_EXHAUSTED: {
      const text = "A part that the call needs does not answer";
      return new StatusError(status.UNAVAILABLE, text, { reason: "DEPENDENCY_UNAVAILABLE" }, { cause: error });
    }
    case status.DEADLINE_EXCEEDED:
      return tooLate(error);
    case status.CANCELLED:
      return callerGone(error);
    default:
      return undefined;
  }
}

const tooLate = (cause: unknown) =>
  new StatusError(status.DEADLINE_EXCEEDED, "The deadline passed", { reason: "DEADLINE_EXCEEDED" }, { cause });
const callerGone = (cause: unknown) =>
  new StatusError(status.CANCELLED, "The caller went away", { reason: "CANCELLED" }, { cause });

// --- handlers

/** What a handler has beside the request. */
export interface HandlerCall {
  readonly context: RpcContext;
  /** The context's: aborted when the answer is no longer wanted. */
  readonly signal: AbortSignal;
  /** As the client sent it. */
  readonly metadata: Metadata;
  /** Goes out with the status of a call that succeeds. */
  readonly trailers: Metadata;
  readonly peer: string;
  /** Sends the headers now, not with the first message. */
  sendHeaders(headers: Metadata): void;
}

interface AnyMethod {
  path: string;
  requestStream: boolean;
  responseStream: boolean;
  requestDeserialize: (bytes: Buffer) => unknown;
  responseSerialize: (response: never) => Buffer;
}

type RequestOf<M extends AnyMethod> = ReturnType<M["requestDeserialize"]>;
type ResponseOf<M extends AnyMethod> = Parameters<M["responseSerialize"]>[0];
/** Where the type does not say whether it streams, as proto-loader's does not, the handler knows. */
type In<M extends AnyMethod> =
  | (true extends M["requestStream"] ? AsyncIterable<RequestOf<M>> : never)
  | (false extends M["requestStream"] ? RequestOf<M> : never);
type Out<M extends AnyMethod> =
  | (true extends M["responseStream"] ? AsyncIterable<ResponseOf<M>> : never)
  | (false extends M["responseStream"] ? Promise<ResponseOf<M>> : never);

/** For each method, from request to response; for a stream, an async iterable takes its place on either side. */
export type Handlers<Service extends Record<string, AnyMethod>> = {
  // A method and not a property, so that a handler may say more of the type of its request than proto-loader does.
  [Name in keyof Service]: { handle(request: In<Service[Name]>, call: HandlerCall): Out<Service[Name]> }["handle"];
};

export interface HandlerFailure {
  path: string;
  /** What was thrown. */
  error: unknown;
  /** What the client has been told. */
  status: StatusObject;
  context: RpcContext;
}

export interface DefineHandlersOptions extends Pick<ToStatusOptions, "known" | "internal"> {
  /** Whether this caller may see stacks. Nobody may in production. @default nobody */
  mayDebug?: (context: RpcContext) => boolean;
  /** @default whether NODE_ENV is "production" now: what it becomes later changes nothing */
  production?: boolean;
  /** Told of each call that failed, for the log. */
  observe?: (failure: HandlerFailure) => void;
}

/** Handlers for grpc-js' `addService`. @throws {TypeError} If one is missing. */
export function defineHandlers<Service extends Record<string, AnyMethod>>(
  service: Service,
  handlers: Handlers<Service>,
  { production = process.env.NODE_ENV === "production", ...options }: DefineHandlersOptions = {},
): UntypedServiceImplementation {
  const entries = Object.entries(service).map(([name, method]) => {
    const handler: unknown = handlers[name];
    if (typeof handler !== "function") throw new TypeError(`Cannot define handlers: ${name} must be a function`);
    return [name, handle(method, handler.bind(handlers) as AnyHandler, { ...options, production })];
  });
  return Object.fromEntries(entries) as UntypedServiceImplementation;
}

type AnyHandler = (request: unknown, call: HandlerCall) => AsyncIterable<unknown> | Promise<unknown>;
/** As much as all four kinds of call have, or have where it is used. */
type AnyCall = ServerDuplexStream<unknown, unknown> & { request?: unknown };

function handle(method: AnyMethod, handler: AnyHandler, options: DefineHandlersOptions) {
  const { production, mayDebug = () => false } = options;
  const observe = harmless(options.observe);
  return (call: AnyCall, callback?: sendUnaryData<unknown>): void => {
    let ended = false;
    const context = rpcContext.get() ?? contextOf(call, () => ended);
    const { signal, requestId } = context;
    const own = {
      context,
      signal,
      metadata: call.metadata,
      trailers: new Metadata(),
      peer: call.getPeer(),
      sendHeaders: (headers: Metadata) => call.sendMetadata(headers),
    };
    const fail = (error: unknown): void => {
      ended = true;
      const debug = !production && mayDebug(context);
      const result = toStatus(error, { ...options, requestId, signal, debug });
      // The way to end a stream with a status: destroy() would send nothing.
      if (callback === undefined) call.emit("error", result);
      else callback(result);
      observe?.({ path: method.path, error, status: result, context });
    };
    const run = async (): Promise<void> => {
      const request = method.requestStream ? messagesOf(call, signal, () => ended) : call.request;
      if (callback === undefined) {
        await pump(handler(request, own) as AsyncIterable<unknown>, call, signal);
        ended = true;
        call.end(own.trailers);
        return;
      }
      const response = await handler(request, own);
      ended = true;
      callback(null, response, own.trailers);
    };
    // What fails in there has been answered: it must not end the process on top.
    rpcContext.run(context, () => void run().catch(fail).catch(warn));
  };
}

/** Sends the messages as fast as the client takes them. */
async function pump(messages: AsyncIterable<unknown>, call: AnyCall, signal: AbortSignal): Promise<void> {
  for await (const message of messages) {
    signal.throwIfAborted();
    if (!call.write(message)) await event(call, ["drain", "close"], signal);
    if (call.destroyed) return;
  }
}

/** The messages of the client as they come, no faster than they are taken. */
async function* messagesOf(call: AnyCall, signal: AbortSignal, ended: () => boolean): AsyncGenerator {
  // Not the stream's own iterator: that one destroys the stream, and with it the answer.
  while (!ended()) {
    signal.throwIfAborted();
    const message: unknown = call.read();
    if (message !== null) yield message;
    else if (call.readableEnded) return;
    else if (call.destroyed) throw new DOMException("The caller went away", "AbortError");
    else await event(call, ["readable", "end", "close"], signal);
  }
}

/** Resolves at the first of the events, or when the signal is aborted. Leaves no listener. */
async function event(call: AnyCall, names: readonly string[], signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => resolve();
  for (const name of names) call.on(name, wake);
  signal.addEventListener("abort", wake);
  await promise;
  for (const name of names) call.off(name, wake);
  signal.removeEventListener("abort", wake);
}

/** For a server without server/context.ts. */
function contextOf(call: AnyCall, ended: () => boolean): RpcContext {
  const requestId = randomUUID();
  const trace = { traceId: requestId.replaceAll("-", ""), spanId: randomUUID().slice(19).replace("-", "") };
  const context = newContext({ requestId, trace: { ...trace, sampled: false } });
  // grpc-js says so after every normal end, too.
  call.once("cancelled", () => {
    if (!ended()) context.cancel(new DOMException("The caller went away", "AbortError"));
  });
  return context;
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
