// SPDX-License-Identifier: MIT
/**
 * Copy:    server/validation.ts
 * Place:   server, after authentication, authorisation and quotas, outside of idempotency: what is refused here is not
 *          stored under a key.
 * Does:    asks of every message of a request whether it keeps the contract; the first that does not ends the call, and
 *          neither it nor anything after it reaches the handler.
 * Doesn't: know rules (`check` does), decode, or undo what a handler did for earlier messages of a stream.
 * With:    context.ts, passing-call.ts, status.ts
 * Source:  AIP-193; google.rpc.BadRequest.
 */
import {
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { harmless, rpcContext } from "../context.ts";
import { asCall, PassingCall, type PartialStatus } from "../passing-call.ts";
import { type FieldViolation, statusOf } from "../status.ts";

/** What is wrong with a message: fields that break a rule, or a status that is ready to be sent. Undefined or none: nothing. */
export type Fault = readonly FieldViolation[] | StatusObject | undefined;

export interface ValidationOptions {
  /** Called for each message as it was decoded, also for one that stands for a message that could not be. */
  check: (path: string, message: unknown) => Fault;
  /** Told of each message that was refused. */
  observe?: (event: { readonly kind: "refused"; readonly path: string; readonly code: status }) => void;
}

/** The status for what is wrong. Undefined if nothing is. */
export function statusFor(fault: Fault): StatusObject | undefined {
  if (fault === undefined || "code" in fault) return fault;
  if (fault.length === 0) return undefined;
  const fields = [...new Set(fault.map(({ field }) => field))].slice(0, 5).join(", ");
  return statusOf(status.INVALID_ARGUMENT, `Cannot accept the request: invalid ${fields}`, {
    reason: "VALIDATION_FAILED",
    metadata: { fields },
    violations: fault,
  });
}

/** Ends calls whose requests break the contract. */
export function validation(options: ValidationOptions): ServerInterceptor {
  const checks = { check: options.check, observe: harmless(options.observe) };
  return ({ path }, call) => asCall(new CheckedCall(call, path, checks));
}

interface Checks {
  check: ValidationOptions["check"];
  observe: ValidationOptions["observe"];
}

class CheckedCall extends PassingCall {
  readonly #path: string;
  readonly #checks: Checks;
  #answered = false;
  #refused = false;

  constructor(call: ServerInterceptingCallInterface, path: string, checks: Checks) {
    super(call);
    this.#path = path;
    this.#checks = checks;
  }

  override onReceiveMessage(message: unknown): void {
    if (this.#refused) return;
    const { check, observe } = this.#checks;
    const result = statusFor(check(this.#path, message));
    if (result === undefined) return super.onReceiveMessage(message);
    this.#refused = true;
    // A handler that has answered may stop reading: nobody asks about the rest.
    if (this.#answered) return;
    observe?.({ kind: "refused", path: this.#path, code: result.code });
    this.refuse(result);
    rpcContext.get()?.cancel(new DOMException("A message of the request was refused", "AbortError"));
  }

  /** The end does not follow a message that was held back: half a stream is not to be taken for all of it. */
  override onReceiveHalfClose(): void {
    if (!this.#refused) super.onReceiveHalfClose();
  }

  // The handler may still be at work on what it had: its answer comes after the client's.
  override sendMetadata(metadata: Metadata): void {
    if (!this.#refused) super.sendMetadata(metadata);
  }

  override sendMessage(message: unknown, sent: () => void): void {
    if (!this.#refused) super.sendMessage(message, sent);
  }

  override sendStatus(result: PartialStatus): void {
    if (this.#refused && !this.#answered) return;
    this.#answered = true;
    super.sendStatus(result);
  }
}
