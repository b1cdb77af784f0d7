import { type StatusObject, status } from "@grpc/grpc-js";
import { detailsOf } from "@holdfast/interceptors/status";
import { type CallOptions, ClientError, type ClientMiddlewareCall, Metadata } from "nice-grpc-common";
import { RemoteError } from "../errors/remote-error.ts";
import { OutgoingCall, outgoingCall } from "./outgoing-call.ts";

/** Options of a call beside nice-grpc's own. */
export interface CallExtension {
  /** When the call's time is over, in milliseconds since the epoch. The client's own timeout may end it earlier. */
  deadline?: number;
  /** Waits for a connection instead of failing without one. @default false */
  waitForReady?: boolean;
  /** Sent as `idempotency-key`: chosen before the first try and kept on every repeat. */
  idempotencyKey?: string;
}

/** Stands before every call: hands its options to the channel, and turns a status into a RemoteError with its reason. */
export async function* callMiddleware<Request, Response>(
  call: ClientMiddlewareCall<Request, Response>,
  { deadline, waitForReady, idempotencyKey, ...options }: CallOptions & CallExtension,
): AsyncGenerator<Awaited<Response>, Awaited<Response> | void, undefined> {
  const outgoing = new OutgoingCall({ deadline, waitForReady });
  if (idempotencyKey !== undefined) {
    options.metadata = Metadata(options.metadata).set("idempotency-key", idempotencyKey);
  }
  const responses = call.next(call.request as never, options);
  // True for who leaves a stream in the middle. To end what has ended would cost every call some turns.
  let open = false;
  try {
    while (true) {
      // nice-grpc starts the call inside the first next(): the channel has to find it there.
      const result = await outgoingCall.run(outgoing, () => responses.next());
      if (result.done) return result.value;
      open = true;
      yield result.value;
      open = false;
    }
  } catch (error) {
    throw toRemoteError(error, call.method.path, outgoing.status);
  } finally {
    if (open) await responses.return(undefined as never);
  }
}

function toRemoteError(error: unknown, path: string, result: StatusObject | undefined): unknown {
  if (error instanceof ClientError) {
    return new RemoteError(error.code, `${path}: ${error.details}`, detailsOf(result?.metadata));
  }
  if (error instanceof Error && error.name === "AbortError") {
    return new RemoteError(status.CANCELLED, `${path}: the caller went away`);
  }
  return error;
}
