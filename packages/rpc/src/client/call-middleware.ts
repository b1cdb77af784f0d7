import { status } from "@grpc/grpc-js";
import { type CallOptions, ClientError, type ClientMiddlewareCall, Metadata } from "nice-grpc-common";
import { rpcContext } from "../call-context.ts";
import { RemoteError } from "../errors/remote-error.ts";
import { decodeDetails, STATUS_DETAILS_KEY } from "../errors/status-details.ts";
import { outgoingDeadline } from "./deadline-channel.ts";
import { inheritDeadline } from "./inherit-deadline.ts";

/** Options of a call beside nice-grpc's own. */
export interface CallExtension {
  /** When the call's time is over, in milliseconds since the epoch. The client's own timeout may end it earlier. */
  deadline?: number;
}

/**
 * Stands before every call: gives it a deadline and the cancellation and correlation id of the call that is being
 * handled, and turns a status into a RemoteError with its reason.
 */
export function callMiddleware({ timeoutMsOf }: { timeoutMsOf: (path: string) => number }) {
  return async function* <Request, Response>(
    call: ClientMiddlewareCall<Request, Response>,
    { deadline: explicit, ...options }: CallOptions & CallExtension,
  ): AsyncGenerator<Awaited<Response>, Awaited<Response> | void, undefined> {
    const { path } = call.method;
    const parent = rpcContext.get();
    const timeoutMs = timeoutMsOf(path);
    const deadline = inheritDeadline({ now: Date.now(), timeoutMs, explicit, inherited: parent?.deadline });
    if (deadline === undefined) throw new RemoteError(status.DEADLINE_EXCEEDED, `Cannot call ${path}: no time is left`);

    const signal = joined(options.signal, parent?.signal);
    if (signal?.aborted === true) throw cancelled(path);
    const metadata = Metadata(options.metadata);
    if (parent !== undefined) metadata.set("x-correlation-id", parent.correlationId);
    let trailer: Metadata | undefined;
    const onTrailer = (received: Metadata) => {
      trailer = received;
      options.onTrailer?.(received);
    };

    const passed: CallOptions = { ...options, metadata, onTrailer };
    if (signal !== undefined) passed.signal = signal;
    const responses = call.next(call.request as never, passed);
    try {
      while (true) {
        // nice-grpc starts the call inside the first next(): it has to see the deadline there.
        const result = await outgoingDeadline.run(deadline, () => responses.next());
        if (result.done) return result.value;
        yield result.value;
      }
    } catch (error) {
      throw toRemoteError(error, path, trailer);
    } finally {
      await responses.return(undefined as never);
    }
  };
}

function toRemoteError(error: unknown, path: string, trailer: Metadata | undefined): unknown {
  if (error instanceof ClientError) {
    const details = decodeDetails(trailer?.get(STATUS_DETAILS_KEY));
    return new RemoteError(error.code, `${path}: ${error.details}`, details);
  }
  if (error instanceof Error && error.name === "AbortError") return cancelled(path);
  return error;
}

function cancelled(path: string): RemoteError {
  return new RemoteError(status.CANCELLED, `${path}: the caller went away`);
}

function joined(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  if (a === undefined || a === b) return b;
  return b === undefined ? a : AbortSignal.any([a, b]);
}
