import { status } from "@grpc/grpc-js";
import { type RpcContext, rpcContext } from "@holdfast/interceptors/context";
import { STATUS_DETAILS_KEY } from "@holdfast/interceptors/status";
import type { Logger } from "@holdfast/process";
import { type CallContext, ServerError, type ServerMiddlewareCall } from "nice-grpc-common";
import { RpcError } from "../errors/rpc-error.ts";
import { toRpcError, toStatus } from "../errors/to-status.ts";

/** What a handler gets beside nice-grpc's own context; its `signal` is aborted by the deadline and the drain as well. */
export type HandlerContext = Pick<RpcContext, "deadline" | "requestId">;

/**
 * Stands between nice-grpc and every handler: hands it the context of the call, and turns whatever is thrown into a status (a
 * ServerInterceptor could not: by then a throw is UNKNOWN).
 */
export function handlerMiddleware(log: Logger) {
  return async function* <Request, Response>(
    call: ServerMiddlewareCall<Request, Response, HandlerContext>,
    context: CallContext,
  ): AsyncGenerator<Awaited<Response>, Awaited<Response> | void, undefined> {
    const { deadline, signal, requestId } = requireContext();
    try {
      return yield* call.next(call.request as never, { ...context, signal, deadline, requestId });
    } catch (thrown) {
      const { path } = call.method;
      const known = toRpcError(signal.aborted && isAbort(thrown) ? abortedError(signal) : thrown, requestId);
      if (known.code === status.INTERNAL) log.error({ path, requestId, err: known.cause ?? known }, "call failed");
      else log.debug({ path, requestId, code: known.code, reason: known.reason, err: known.cause }, "call refused");
      const { code, details, metadata } = toStatus(known, { path, correlationId: requestId });
      const [statusDetails = ""] = metadata.get(STATUS_DETAILS_KEY);
      context.trailer.set(STATUS_DETAILS_KEY, Buffer.from(statusDetails));
      throw new ServerError(code, details);
    }
  };
}

function requireContext(): RpcContext {
  const context = rpcContext.get();
  if (context === undefined) throw new Error("The chain has no context");
  return context;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}

function abortedError({ reason }: AbortSignal): RpcError {
  if (reason instanceof Error && reason.name === "TimeoutError") {
    return new RpcError(status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "The deadline passed");
  }
  return new RpcError(status.CANCELLED, "CANCELLED", "The caller went away");
}
