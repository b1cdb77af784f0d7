import { randomUUID } from "node:crypto";
import { Metadata, ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { type RpcContext, rpcContext } from "../call-context.ts";
import { RpcError } from "../errors/rpc-error.ts";
import { STATUS_DETAILS_KEY } from "../errors/status-details.ts";
import { toStatus } from "../errors/to-status.ts";
import { servicePackageOf } from "./service-package.ts";

/** How long calls may take. */
export interface CallLimits {
  /** Deadline of a unary call that came without one, and the longest that any gets. Unit: milliseconds. @default 30_000 */
  unaryTimeoutMs?: number;
  /** The same for a call that streams. @default 3_600_000 */
  streamTimeoutMs?: number;
}

/**
 * Gives every call a finite deadline, a signal that is aborted when the deadline passes or the caller goes away, and a
 * correlation id; and sees to it that every status that is not OK carries ErrorInfo.
 *
 * A deadline of the client is enforced by grpc-js below the interceptors, so this keeps its own clock: `onCancel` alone
 * cannot tell a cancellation from a normal end, and comes late when the reader has stalled.
 */
export function callInterceptor(limits: CallLimits = {}): ServerInterceptor {
  const { unaryTimeoutMs = 30_000, streamTimeoutMs = 3_600_000 } = limits;
  return (method, call) => {
    const longest = method.requestStream || method.responseStream ? streamTimeoutMs : unaryTimeoutMs;
    const abort = new AbortController();
    const wireDeadline = Number(call.getDeadline());
    const deadline = Math.min(wireDeadline, Date.now() + longest);
    let correlationId = "";
    let ended = false;

    const timer = setTimeout(
      () => {
        abort.abort(new DOMException("The deadline passed", "TimeoutError"));
        // The status of a client's own deadline is sent by grpc-js.
        if (deadline < wireDeadline) intercepted.sendStatus(deadlineExceeded());
      },
      Math.max(0, deadline - Date.now()),
    );
    const end = () => {
      ended = true;
      clearTimeout(timer);
    };
    const describe = (error: unknown) => {
      const { code, details, statusDetails } = toStatus(error, {
        servicePackage: servicePackageOf(method.path),
        correlationId,
      });
      const metadata = new Metadata();
      metadata.set(STATUS_DETAILS_KEY, statusDetails);
      return { code, details, metadata };
    };
    const deadlineExceeded = () =>
      describe(new RpcError(status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "The deadline passed"));

    const intercepted = new ServerInterceptingCall(call, {
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
            if (!ended) abort.abort(new DOMException("The caller went away", "AbortError"));
            end();
          },
        });
      },
      sendStatus: (result, next) => {
        if (ended) return;
        end();
        const code = result.code ?? status.UNKNOWN;
        if (code === status.OK || (result.metadata?.get(STATUS_DETAILS_KEY).length ?? 0) > 0) return next(result);
        // From the library itself: a message too large, a method that is not there.
        next(describe(libraryError(code, correlationId)));
      },
    });
    return intercepted;
  };
}

function libraryError(code: status, correlationId: string): RpcError {
  switch (code) {
    case status.RESOURCE_EXHAUSTED:
      return new RpcError(code, "MESSAGE_TOO_LARGE", "Cannot accept the message: it is larger than the server takes");
    case status.UNIMPLEMENTED:
      return new RpcError(code, "UNIMPLEMENTED", "The server has no such method");
    case status.CANCELLED:
      return new RpcError(code, "CANCELLED", "The caller went away");
    case status.DEADLINE_EXCEEDED:
      return new RpcError(code, "DEADLINE_EXCEEDED", "The deadline passed");
    case status.UNAVAILABLE:
      return new RpcError(code, "DRAINING", "This instance is shutting down");
    default:
      return new RpcError(status.INTERNAL, "INTERNAL", "Internal error", { correlation_id: correlationId });
  }
}

function readCorrelationId(metadata: Metadata): string {
  const [sent] = metadata.get("x-correlation-id");
  return typeof sent === "string" && /^[\w.-]{8,128}$/.test(sent) ? sent : randomUUID();
}
