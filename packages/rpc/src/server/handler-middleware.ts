import { status } from "@grpc/grpc-js";
import type { Logger } from "@holdfast/process";
import { type CallContext, ServerError, type ServerMiddlewareCall } from "nice-grpc-common";
import { type RpcContext, rpcContext } from "../call-context.ts";
import { RpcError } from "../errors/rpc-error.ts";
import { STATUS_DETAILS_KEY } from "../errors/status-details.ts";
import { toRpcError, toStatus } from "../errors/to-status.ts";
import { RefusedRequest } from "./checked-definition.ts";
import { servicePackageOf } from "./service-package.ts";

/** What a handler gets beside nice-grpc's own context; its `signal` is aborted by the deadline as well. */
export type HandlerContext = Pick<RpcContext, "deadline" | "correlationId">;

/**
 * Stands between nice-grpc and every handler: refuses requests that break the contract, ends streams when the server
 * drains (`draining`) and other calls when its grace is over (`cut`), and turns whatever is thrown into a status (a ServerInterceptor could not: by then a throw is UNKNOWN).
 */
export function handlerMiddleware({ draining, cut, log }: { draining: AbortSignal; cut: AbortSignal; log: Logger }) {
  return async function* <Request, Response>(
    call: ServerMiddlewareCall<Request, Response, HandlerContext>,
    context: CallContext,
  ): AsyncGenerator<Awaited<Response>, Awaited<Response> | void, undefined> {
    const { deadline, signal: callSignal, correlationId } = requireContext();
    const streams = call.requestStream || call.responseStream;
    const stop = streams ? draining : cut;
    const signal = AbortSignal.any([callSignal, stop]);
    const { path } = call.method;
    try {
      if (draining.aborted) throw drainingError();
      const extended = { ...context, signal, deadline, correlationId };
      if (call.requestStream) return yield* call.next(accepted(call.request), extended);
      if (call.request instanceof RefusedRequest) throw call.request.error;
      if (call.responseStream) return yield* call.next(call.request, extended);
      return await unlessAborted(cut, call.next(call.request, extended).next());
    } catch (thrown) {
      const error = signal.aborted && isAbort(thrown) ? abortedError(signal, stop) : thrown;
      const known = toRpcError(error, correlationId);
      if (known.code === status.INTERNAL) log.error({ path, correlationId, err: known.cause ?? known }, "call failed");
      else log.debug({ path, correlationId, code: known.code, reason: known.reason, err: known.cause }, "call refused");
      const wire = toStatus(known, { servicePackage: servicePackageOf(path), correlationId });
      context.trailer.set(STATUS_DETAILS_KEY, wire.statusDetails);
      throw new ServerError(wire.code, wire.details);
    }
  };
}

/** The messages of a stream, up to the first one that breaks the contract. */
async function* accepted<Request>(requests: AsyncIterable<Request>): AsyncGenerator<Request> {
  for await (const request of requests) {
    if (request instanceof RefusedRequest) throw request.error;
    yield request;
  }
}

function requireContext(): RpcContext {
  const context = rpcContext.get();
  if (context === undefined) throw new Error("The call interceptor is missing");
  return context;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}

function drainingError(): RpcError {
  const text = "This instance is shutting down";
  return new RpcError(status.UNAVAILABLE, "DRAINING", text, {}, { retryAfterMs: 0 });
}

/** The answer of a handler, or the reason of the signal: a handler that ignores its signal must not hold the client. */
async function unlessAborted<Response>(
  signal: AbortSignal,
  answer: Promise<IteratorResult<unknown, Response>>,
): Promise<Response | undefined> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    const result = await Promise.race([answer, aborted]);
    return result.done === true ? result.value : undefined;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function abortedError(signal: AbortSignal, stop: AbortSignal): RpcError {
  if (stop.aborted && signal.reason === stop.reason) return drainingError();
  if (signal.reason instanceof Error && signal.reason.name === "TimeoutError") {
    return new RpcError(status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "The deadline passed");
  }
  return new RpcError(status.CANCELLED, "CANCELLED", "The caller went away");
}
