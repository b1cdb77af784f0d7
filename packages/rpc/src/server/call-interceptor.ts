import { randomUUID } from "node:crypto";
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from "@grpc/grpc-js";
import { type RpcContext, rpcContext } from "../call-context.ts";
import { RpcError } from "../errors/rpc-error.ts";
import { STATUS_DETAILS_KEY } from "../errors/status-details.ts";
import { toStatus } from "../errors/to-status.ts";
import { libraryError, malformed } from "./library-error.ts";
import { servicePackageOf } from "./service-package.ts";

/** How long calls may take. */
export interface CallLimits {
  /** Deadline of a unary call that came without one, and the longest that any gets. Unit: milliseconds. @default 30_000 */
  unaryTimeoutMs?: number;
  /** The same for a call that streams. @default 3_600_000 */
  streamTimeoutMs?: number;
}

/** A timer may fire a little before its time by the clock. Unit: milliseconds. */
const TIMER_SLACK_MS = 50;

/**
 * Gives every call a finite deadline, a signal that is aborted when the deadline passes or the caller goes away, and a
 * correlation id; and sees to it that every status of a method of ours that is not OK carries ErrorInfo. Has to stand
 * nearest to the wire.
 *
 * A deadline of the client is enforced by grpc-js below the interceptors, so this keeps its own clock: `onCancel` alone
 * cannot tell a cancellation from a normal end, and comes late when the reader has stalled.
 */
export function callInterceptor(limits: CallLimits = {}): ServerInterceptor {
  const { unaryTimeoutMs = 30_000, streamTimeoutMs = 3_600_000 } = limits;
  return (method, call) => {
    const longest = method.requestStream || method.responseStream ? streamTimeoutMs : unaryTimeoutMs;
    const abort = new AbortController();
    const wireDeadline = readDeadline(call, Date.now());
    const deadline = Math.min(wireDeadline, Date.now() + longest);
    let correlationId = "";
    let sending = false;
    let ended = false;

    const describe = (error: RpcError) => {
      const servicePackage = servicePackageOf(method.path);
      const { code, details, statusDetails } = toStatus(error, { servicePackage, correlationId });
      const metadata = new Metadata();
      metadata.set(STATUS_DETAILS_KEY, statusDetails);
      return { code, details, metadata };
    };
    const end = () => {
      ended = true;
      clearTimeout(timer);
    };

    // The library calls this very method for statuses of its own, which no interceptor sees: a message too large, one
    // that cannot be decompressed, a deadline.
    const send = call.sendStatus.bind(call);
    call.sendStatus = (result) => {
      const code = result.code ?? status.UNKNOWN;
      const described = code === status.OK || (result.metadata?.get(STATUS_DETAILS_KEY).length ?? 0) > 0;
      const early = code === status.DEADLINE_EXCEEDED && !described && Date.now() < deadline - TIMER_SLACK_MS;
      if (ended || early) return;
      end();
      // The handler has not been asked: it has to be told.
      if (!described) abort.abort(code === status.DEADLINE_EXCEEDED ? deadlinePassed() : callerGone());
      send(described ? result : describe(libraryError(code, sending, correlationId)));
    };

    const timer = setTimeout(
      () => {
        abort.abort(deadlinePassed());
        call.sendStatus(describe(new RpcError(status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "The deadline passed")));
      },
      Math.max(0, deadline - Date.now()),
    );

    return new ServerInterceptingCall(call, {
      start: (next) => {
        let context: RpcContext | undefined;
        const inContext = (work: () => void) => (context === undefined ? work() : rpcContext.run(context, work));
        next({
          onReceiveMetadata: (metadata, nextMetadata) => {
            correlationId = readCorrelationId(metadata);
            context = { deadline, signal: abort.signal, correlationId };
            inContext(() => nextMetadata(metadata));
          },
          onReceiveMessage: (message, nextMessage) => inContext(() => nextMessage(message)),
          onReceiveHalfClose: (nextHalfClose) => inContext(nextHalfClose),
          onCancel: () => {
            // Comes after every end; only one without a status of ours is a cancellation.
            if (!ended) abort.abort(callerGone());
            end();
          },
        });
      },
      sendMessage: (message, next) => {
        sending = true;
        next(message);
        sending = false;
      },
      sendStatus: (result, next) => {
        // Of the library's call handling, for a unary request of no message or of two.
        const miscounted =
          result.code === status.UNIMPLEMENTED && result.metadata?.get(STATUS_DETAILS_KEY).length !== 1;
        next(miscounted ? describe(malformed("must be exactly one message")) : result);
      },
    });
  };
}

/**
 * When the client wants its answer, in milliseconds since the epoch. The library keeps a timeout in 32 bits: one of more
 * than 24.8 days comes out as negative, and would end the call at once. No timeout is negative, so that is how to tell.
 */
function readDeadline(call: ServerInterceptingCallInterface, now: number): number {
  const deadline = Number(call.getDeadline());
  return deadline < now - 1_000 ? Infinity : deadline;
}

const deadlinePassed = () => new DOMException("The deadline passed", "TimeoutError");
const callerGone = () => new DOMException("The caller went away", "AbortError");

function readCorrelationId(metadata: Metadata): string {
  const [sent] = metadata.get("x-correlation-id");
  return typeof sent === "string" && /^[\w.-]{8,128}$/.test(sent) ? sent : randomUUID();
}
