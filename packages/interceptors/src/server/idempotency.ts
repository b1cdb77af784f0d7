// SPDX-License-Identifier: MIT
/**
 * Copy:    server/idempotency.ts
 * Place:   server, innermost: it needs the principal, and what is refused before it is not stored under a key.
 * Does:    runs a unary call that carries an `idempotency-key` once, however often it is sent, and answers the others with
 *          the stored answer; stores the answer before the client has it.
 * Doesn't: make the work and its record one: after a crash in between the outcome is unknown, and said to be. A handler
 *          that must do better stores the key with its effect, or confirms currentClaim() in its transaction.
 * With:    context.ts, idempotency-answers.ts, idempotency-core.ts, idempotency-store.ts
 * Source:  Stripe's idempotent requests; draft-ietf-httpapi-idempotency-key-header.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import { Metadata, ServerInterceptingCall, status } from "@grpc/grpc-js";
import type { ServerInterceptingCallInterface, ServerInterceptor } from "@grpc/grpc-js";
import { type Clock, rpcContext } from "../context.ts";
import * as answers from "../idempotency-answers.ts";
import {
  type IdempotencyOptions,
  type IdempotentMethod,
  type Policy,
  policyOf,
  type Told,
} from "../idempotency-core.ts";
import type { Begun, Claim, StoredAnswer } from "../idempotency-store.ts";

export type { IdempotencyEvent, IdempotencyOptions, IdempotentMethod } from "../idempotency-core.ts";
export type { Claim, IdempotencyStore } from "../idempotency-store.ts";

const claims = new AsyncLocalStorage<Claim>();

/** The claim that the running handler works under: for its transaction to confirm. */
export const currentClaim = (): Claim | undefined => claims.getStore();

/** A claim outlives its call's deadline by this much: whoever finishes in time still holds it. Unit: milliseconds. */
const LEASE_MARGIN_MS = 5_000;
const NEVER = new AbortController().signal;

/** Answers the repetitions of a call from the store. @throws {RangeError} If an option makes no sense. */
export function idempotency(options: IdempotencyOptions, { clock }: { clock?: Clock } = {}): ServerInterceptor {
  const policy = policyOf(options, { clock });
  return (definition, call) => {
    const method = policy.methods(definition.path);
    const unary = !definition.requestStream && !definition.responseStream;
    // The same interface; grpc-js' type names the class.
    if (!unary || method === undefined || !answers.mayCarryKey(method)) return call as ServerInterceptingCall;
    return new KeyedCall(call, definition, method, policy);
  };
}

type Definition = Parameters<ServerInterceptor>[0];
type Listener = Parameters<ServerInterceptingCallInterface["start"]>[0];
type Result = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

/** A call that may carry a key. It keeps back what the handler answers until that is stored. */
class KeyedCall extends ServerInterceptingCall {
  readonly #definition: Definition;
  readonly #method: IdempotentMethod;
  readonly #policy: Policy;
  #key: string | undefined;
  #request: { message: unknown } | undefined;
  /** Held while the handler runs. */
  #claim: Claim | undefined;
  #settling = false;
  #headers: Metadata | undefined;
  #response: { message: unknown } | undefined;
  /** The client is gone, or has its answer. */
  #over = false;

  constructor(call: ServerInterceptingCallInterface, definition: Definition, method: IdempotentMethod, policy: Policy) {
    super(call);
    this.#definition = definition;
    this.#method = method;
    this.#policy = policy;
  }

  override start(listener: Listener): void {
    super.start({
      onReceiveMetadata: (metadata) => {
        const key = answers.readKey(metadata);
        if (key === null) return this.#end(answers.badKey());
        if (key === undefined && this.#method.key === "metadata") return this.#end(answers.keyRequired());
        this.#key = key;
        listener.onReceiveMetadata(metadata);
      },
      onReceiveMessage: (message) => {
        this.#request = { message };
        listener.onReceiveMessage(message);
      },
      // A unary handler runs when the request has ended: only then there is something to claim.
      onReceiveHalfClose: () => {
        if (this.#key === undefined || this.#request === undefined) return listener.onReceiveHalfClose();
        this.#begin(this.#key, this.#request.message, listener).catch((error: unknown) => {
          this.#tell({ kind: "store_failed", error });
          this.#end(answers.internalError());
        });
      },
      onCancel: () => {
        this.#over = true;
        listener.onCancel();
      },
    });
  }

  override sendMetadata(headers: Metadata): void {
    if (this.#claim === undefined) super.sendMetadata(headers);
    else this.#headers = headers;
  }

  override sendMessage(message: unknown, sent: () => void): void {
    if (this.#claim === undefined) return super.sendMessage(message, sent);
    // The status comes once this one is out, and is stored with it.
    this.#response = { message };
    sent();
  }

  override sendStatus(result: Result): void {
    const claim = this.#claim;
    if (claim === undefined) return this.#end(result);
    if (!this.#settling) void this.#finish(claim, result);
    this.#settling = true;
  }

  async #begin(key: string, request: unknown, listener: Listener): Promise<void> {
    const { store, principalOf, leaseMs, ttlMs, transactional, storeTimeoutMs, clock } = this.#policy;
    const { path } = this.#definition;
    const context = rpcContext.get();
    const now = clock.now();
    const deadline = context?.deadline ?? Number(this.getDeadline());
    const lease = Math.max(leaseMs, Number.isFinite(deadline) ? deadline - now + LEASE_MARGIN_MS : 0);
    const claim = { principal: principalOf() ?? "", method: path, key, token: randomUUID() };
    const fingerprint = answers.fingerprintOf(path, request, this.#method.encodeRequest);
    const wanted = {
      ...claim,
      fingerprint,
      leaseMs: lease,
      ttlMs: Math.max(ttlMs, lease),
      transactional: transactional.includes(path),
    };
    let begun: Begun;
    try {
      const scope = { deadline: Math.min(deadline, now + storeTimeoutMs), signal: context?.signal ?? NEVER };
      begun = await store.begin(wanted, scope);
    } catch (error) {
      // Without the store nothing protects the work: it is not done. The claim may be there all the same.
      this.#tell({ kind: "store_failed", error });
      this.#end(answers.storeAway(this.#policy.retryAfterMs));
      return this.#abandon(claim);
    }
    this.#tell({ kind: begun.kind });
    if (begun.kind === "replay") return this.#replay(begun.answer);
    if (begun.kind !== "new") return this.#end(answers.refusalFor(begun, this.#policy.retryAfterMs));
    if (this.#over) return this.#abandon(claim);
    this.#claim = claim;
    claims.run(claim, () => listener.onReceiveHalfClose());
  }

  /** Settles the claim, and only then lets the client have what the handler said. */
  async #finish(claim: Claim, result: Result): Promise<void> {
    let sent = result;
    const outcome = answers.outcomeOf(result.code ?? status.UNKNOWN, this.#policy.releaseOn);
    if (outcome === "keep_open") this.#tell({ kind: "kept_open" });
    else if (outcome === "abandon") await this.#abandon(claim);
    else sent = await this.#store(claim, result);

    if (this.#over) return;
    if (this.#headers !== undefined) super.sendMetadata(this.#headers);
    const response = this.#response;
    if (response === undefined || sent !== result) return this.#end(sent);
    super.sendMessage(response.message, () => this.#end(sent));
  }

  /** @returns What the client is to see: the result, unless it cannot be sent or is not the one that counts. */
  async #store(claim: Claim, result: Result): Promise<Result> {
    let kept: StoredAnswer;
    let sent = result;
    try {
      const bytes = this.#response && this.#definition.responseSerialize(this.#response.message);
      kept = answers.answerOf(result, bytes, this.#policy.maxResponseBytes);
    } catch {
      // A response that has no bytes: the work is done, and this is what came of it.
      sent = answers.internalError();
      kept = answers.answerOf(sent, undefined, 0);
    }
    try {
      const held = await this.#policy.store.finish(claim, kept, this.#ownScope());
      this.#tell({ kind: held ? "stored" : "lost" });
      // Someone took over after the lease: what that one answers is the answer.
      return held ? sent : answers.inUse(this.#policy.retryAfterMs);
    } catch (error) {
      // The client may have its answer. Whoever repeats the call learns that the outcome is unknown; it is not done again.
      this.#tell({ kind: "not_stored", error });
      return sent;
    }
  }

  #replay({ code, details, trailers, response }: StoredAnswer): void {
    const headers = new Metadata();
    headers.set("idempotent-replayed", "true");
    super.sendMetadata(headers);
    const result = { code: code as status, details, metadata: answers.readTrailers(trailers) };
    if (result.code !== status.OK) return this.#end(result);
    if (response === undefined) return this.#end(answers.notKept());
    const { decodeResponse } = this.#method;
    super.sendMessage(decodeResponse === undefined ? Buffer.from(response) : decodeResponse(response), () =>
      this.#end(result),
    );
  }

  async #abandon(claim: Claim): Promise<void> {
    try {
      await this.#policy.store.abandon(claim, this.#ownScope());
      this.#tell({ kind: "abandoned" });
    } catch (error) {
      // The lease ends by itself.
      this.#tell({ kind: "store_failed", error });
    }
  }

  /** What has been done is settled even if nobody waits for it any more. */
  #ownScope(): { deadline: number; signal: AbortSignal } {
    return { deadline: this.#policy.clock.now() + this.#policy.storeTimeoutMs, signal: NEVER };
  }

  #end(result: Result): void {
    if (!this.#over) super.sendStatus(result);
    this.#over = true;
  }

  #tell(event: Told): void {
    this.#policy.observe?.({ path: this.#definition.path, ...event });
  }
}
