// SPDX-License-Identifier: MIT
/**
 * Copy:    client/idempotency-key.ts
 * Place:   client, outside retry and hedging: every attempt of one call carries the same key.
 * Does:    gives each call of a method that wants one an idempotency-key, unless the caller has set its own; an own key
 *          that no server would take is refused here.
 * Doesn't: remember keys. A caller that asks again after a crash has to keep its key itself.
 * With:    status.ts
 * Source:  draft-ietf-httpapi-idempotency-key-header; Stripe's API for the length.
 */
import { randomUUID } from "node:crypto";
import {
  type InterceptingCall,
  type Interceptor,
  Metadata,
  type NextCall,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { localStatus } from "../status.ts";

type LowerCall = ReturnType<NextCall>;

export interface IdempotencyKeyOptions {
  /** What the contract says of a method: those with key "metadata" get one. */
  methods: (path: string) => { key?: "none" | "field" | "metadata" | undefined } | undefined;
  /** Which other methods get one too. @default none */
  also?: (path: string) => boolean;
}

const KEY = "idempotency-key";

/** What is wrong with the caller's own key, for people. Undefined: nothing. */
export function keyProblem(values: readonly (string | Buffer)[]): string | undefined {
  if (values.length !== 1) return `must be one value, is ${values.length}`;
  const [key = ""] = values;
  // Visible characters only: others are trimmed or folded on the way, and two keys become one.
  return /^[!-~]{1,255}$/.test(String(key)) ? undefined : "must be 1 to 255 visible ASCII characters";
}

/** Stamps calls with a key, once each. */
export function idempotencyKey(
  { methods, also = () => false }: IdempotencyKeyOptions,
  { newKey = randomUUID }: { newKey?: (() => string) | undefined } = {},
): Interceptor {
  return (options, nextCall) => {
    const { path, responseStream } = options.method_definition;
    const wanted = methods(path)?.key === "metadata" || also(path);
    const call: LowerCall = new LaterCall(responseStream, (metadata) => {
      const own = metadata.get(KEY);
      const problem = own.length > 0 ? keyProblem(own) : undefined;
      if (problem !== undefined) return { call: ended(refusal(path, problem), responseStream), metadata };
      if (!wanted || own.length > 0) return { call: nextCall(options), metadata };
      // The caller may use its Metadata for the next call as well, which must not get this key.
      const stamped = metadata.clone();
      stamped.set(KEY, newKey());
      return { call: nextCall(options), metadata: stamped };
    });
    return call as InterceptingCall;
  };
}

/** A call that is chosen when it starts, by its metadata: one that is refused must not have touched what is inside. */
class LaterCall implements LowerCall {
  readonly #responseStream: boolean;
  #choose: (metadata: Metadata) => { call: LowerCall; metadata: Metadata };
  #call: LowerCall | undefined;

  constructor(responseStream: boolean, choose: (metadata: Metadata) => { call: LowerCall; metadata: Metadata }) {
    this.#responseStream = responseStream;
    this.#choose = choose;
  }

  start(given: Metadata, listener: Parameters<LowerCall["start"]>[1]): void {
    const { call, metadata } = this.#choose(given);
    this.#call = call;
    call.start(metadata, listener);
  }
  cancelWithStatus(code: status, details: string): void {
    if (this.#call !== undefined) return this.#call.cancelWithStatus(code, details);
    const result = { code, details, metadata: new Metadata() };
    this.#choose = (metadata) => ({ call: ended(result, this.#responseStream), metadata });
  }
  sendMessageWithContext(...args: Parameters<LowerCall["sendMessageWithContext"]>): void {
    this.#call?.sendMessageWithContext(...args);
  }
  sendMessage(message: unknown): void {
    this.#call?.sendMessage(message);
  }
  startRead(): void {
    this.#call?.startRead();
  }
  halfClose(): void {
    this.#call?.halfClose();
  }
  getPeer(): string {
    return this.#call?.getPeer() ?? "unknown";
  }
  getAuthContext(): ReturnType<LowerCall["getAuthContext"]> {
    return this.#call?.getAuthContext() ?? null;
  }
}

function refusal(path: string, problem: string): StatusObject {
  return localStatus(status.INVALID_ARGUMENT, `Cannot call ${path}: ${KEY} ${problem}`, {
    reason: "VALIDATION_FAILED",
    metadata: { method: path },
    violations: [{ field: KEY, description: problem }],
  });
}

/** A call that ends before the wire is touched, in a later turn than its start as every other call does. */
function ended(result: StatusObject, responseStream: boolean): LowerCall {
  return {
    start: (_, listener) =>
      process.nextTick(() => {
        if (!responseStream) listener?.onReceiveMessage?.(null);
        listener?.onReceiveStatus?.(result);
      }),
    // A writer waits for this before it ends.
    sendMessageWithContext: (context) => context.callback?.(),
    sendMessage: () => undefined,
    startRead: () => undefined,
    halfClose: () => undefined,
    cancelWithStatus: () => undefined,
    getPeer: () => "unknown",
    getAuthContext: () => null,
  };
}
