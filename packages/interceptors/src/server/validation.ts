// SPDX-License-Identifier: MIT
/**
 * Copy:    server/validation.ts
 * Place:   server, after authentication, authorisation and quotas, outside of idempotency: what is refused here is not
 *          stored under a key.
 * Does:    asks of every message of a request whether it keeps the contract; the first that does not ends the call, and
 *          neither it nor anything after it reaches the handler.
 * Doesn't: know rules (`check` does), decode, or undo what a handler did for earlier messages of a stream.
 * With:    context.ts, status.ts
 * Source:  AIP-193; google.rpc.BadRequest.
 */
import { ServerInterceptingCall, type ServerInterceptor, type StatusObject, status } from "@grpc/grpc-js";
import { rpcContext } from "../context.ts";
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
export function validation({ check, observe }: ValidationOptions): ServerInterceptor {
  return ({ path }, call) => {
    let answered = false;
    let refused = false;
    const refuse = (result: StatusObject): void => {
      refused = true;
      // A handler that has answered may stop reading: nobody asks about the rest.
      if (answered) return;
      observe?.({ kind: "refused", path, code: result.code });
      call.sendStatus(result);
      rpcContext.get()?.cancel(new DOMException("A message of the request was refused", "AbortError"));
    };

    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMessage: (message, accept) => {
            // Neither the messages after it nor the end of them: a message that is not passed on holds the end back.
            if (refused) return;
            const result = statusFor(check(path, message));
            if (result === undefined) accept(message);
            else refuse(result);
          },
        }),
      // The handler may still be at work on what it had: its answer comes after the client's.
      sendMetadata: (metadata, next) => {
        if (!refused) next(metadata);
      },
      sendMessage: (message, next) => {
        if (!refused) next(message);
      },
      sendStatus: (result, next) => {
        if (refused && !answered) return;
        answered = true;
        next(result);
      },
    });
  };
}
