// SPDX-License-Identifier: MIT
/**
 * Copy:    server/guard.ts
 * Place:   server; around every other interceptor, outside of none. Stands with server/status-guard.ts at index 0.
 * Does:    turns whatever an interceptor throws or rejects with, in any of its methods, into INTERNAL for the client.
 * Doesn't: see what an interceptor does in timers and promises of its own, nor what a handler throws (server/errors.ts).
 * With:    context.ts, status.ts
 * Source:  grpc-js, server-interceptors.ts: it drops what these methods return, so a rejection ends the process.
 */
import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from "@grpc/grpc-js";
import { rpcContext } from "../context.ts";
import { statusOf } from "../status.ts";

type Responder = Required<NonNullable<ConstructorParameters<typeof ServerInterceptingCall>[1]>>;
type Listener = NonNullable<Parameters<Parameters<Responder["start"]>[0]>[0]>;
type Watch = <Args extends unknown[]>(run: (...args: Args) => unknown) => (...args: Args) => void;

/** What an interceptor threw or rejected with. The client has a status already. */
export interface GuardEvent {
  type: "threw";
  path: string;
  error: unknown;
}

export interface GuardOptions {
  /** Told of each, for the log. */
  observe?: (event: GuardEvent) => void;
}

/** A chain with a guard around each of its interceptors. */
export function guarded(chain: readonly ServerInterceptor[], options: GuardOptions = {}): ServerInterceptor[] {
  return chain.map((each) => guard(each, options));
}

/** The interceptor, but whatever it throws or rejects with ends the call with INTERNAL, and nothing else. */
export function guard(interceptor: ServerInterceptor, { observe }: GuardOptions = {}): ServerInterceptor {
  return (method, call) => {
    let over = false;
    const end = (): void => {
      over = true;
    };
    const fail = (error: unknown): void => {
      if (!over) {
        const context = rpcContext.get();
        end();
        call.sendStatus(internalError(context?.requestId));
        // The handler may be at work on a call that has its answer now.
        context?.cancel(new Error("An interceptor failed", { cause: error }));
      }
      observe?.({ type: "threw", path: method.path, error });
    };
    const watched: Watch =
      (run) =>
      (...args) => {
        try {
          const result = run(...args);
          if (result instanceof Promise) result.catch(fail).catch(warn);
        } catch (error) {
          fail(error);
        }
      };
    try {
      const made = interceptor(method, call);
      if (made !== call) watchResponder(insideOf(made), watched, end);
      return made;
    } catch (error) {
      return refusing(call, () => fail(error));
    }
  };
}

/** What an interceptor gave to the call that it returned. Not public, and the only place where a rejection can be seen. */
function insideOf(call: ServerInterceptingCall): Responder {
  return (call as unknown as { responder: Responder }).responder;
}

/** grpc-js' own functions for what an interceptor leaves out: nothing to watch there. */
const plain = insideOf(new ServerInterceptingCall({} as ServerInterceptingCallInterface));

function watchResponder(inside: Responder, watched: Watch, end: () => void): void {
  const { start, sendMetadata, sendMessage, sendStatus } = inside;
  if (start !== plain.start) {
    inside.start = watched((next) => start((listener) => next(listener && watchListener(listener, watched, end))));
  }
  if (sendMetadata !== plain.sendMetadata) inside.sendMetadata = watched(sendMetadata);
  if (sendMessage !== plain.sendMessage) inside.sendMessage = watched(sendMessage);
  if (sendStatus === plain.sendStatus) return;
  inside.sendStatus = watched((result, next) =>
    sendStatus(result, (sent) => {
      end();
      next(sent);
    }),
  );
}

function watchListener(listener: Listener, watched: Watch, end: () => void): Listener {
  const { onReceiveMetadata, onReceiveMessage, onReceiveHalfClose, onCancel } = listener;
  return {
    ...(onReceiveMetadata && { onReceiveMetadata: watched(onReceiveMetadata) }),
    ...(onReceiveMessage && { onReceiveMessage: watched(onReceiveMessage) }),
    ...(onReceiveHalfClose && { onReceiveHalfClose: watched(onReceiveHalfClose) }),
    onCancel: watched(() => {
      end();
      return onCancel?.();
    }),
  };
}

/** The call of an interceptor that could not be made: it starts, for those nearer to the wire, and goes no further. */
function refusing(call: ServerInterceptingCallInterface, refuse: () => void): ServerInterceptingCall {
  const nothing = (): void => undefined;
  return new ServerInterceptingCall(call, {
    start: (next) =>
      next({ onReceiveMetadata: refuse, onReceiveMessage: nothing, onReceiveHalfClose: nothing, onCancel: nothing }),
  });
}

function internalError(requestId: string | undefined) {
  return statusOf(status.INTERNAL, "Internal error", { reason: "INTERNAL", requestId });
}

/** For what goes wrong while something that went wrong is dealt with: it must not end the process either. */
function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
