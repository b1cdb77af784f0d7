// SPDX-License-Identifier: MIT
/**
 * Copy:    server/guard.ts
 * Place:   server; around every other interceptor, inside of server/status-guard.ts only, which is a guard itself.
 * Does:    turns whatever an interceptor throws or rejects with, in any of its methods, into INTERNAL for the client.
 * Doesn't: see what an interceptor does in timers and promises of its own (a PassingCall whose method is async has one), nor
 *          what a handler throws (server/errors.ts).
 * With:    context.ts, passing-call.ts, status.ts
 * Source:  grpc-js, server-interceptors.ts: it drops what these methods return, so a rejection ends the process.
 */
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from "@grpc/grpc-js";
import { harmless, rpcContext, unseenStatus } from "../context.ts";
import { asCall, PassingCall, type PartialStatus, type WireListener } from "../passing-call.ts";
import { statusOf } from "../status.ts";

type Responder = Required<NonNullable<ConstructorParameters<typeof ServerInterceptingCall>[1]>>;
type Listener = NonNullable<Parameters<Parameters<Responder["start"]>[0]>[0]>;

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

/**
 * A chain with a guard around each of its interceptors, or around each row of them: with fewer guards a call costs less.
 * In a row stands who passes on at once or not at all, and gives grpc-js no promise. Who answers from a timer or a promise
 * has a guard between itself and what may throw at that.
 */
export function guarded(
  chain: readonly (ServerInterceptor | readonly ServerInterceptor[])[],
  options: GuardOptions = {},
): ServerInterceptor[] {
  return chain.map((each) => guard(typeof each === "function" ? each : row(each), options));
}

function row(interceptors: readonly ServerInterceptor[]): ServerInterceptor {
  return (method, call) => interceptors.reduce((made, each) => each(method, made), asCall(call));
}

/** The interceptor, but whatever it throws or rejects with ends the call with INTERNAL, and nothing else. */
export function guard(interceptor: ServerInterceptor, { observe }: GuardOptions = {}): ServerInterceptor {
  return (method, call) => {
    // Between two guards one border is enough.
    const outer = call instanceof Border && call.observe === observe ? call : new Border(call, method.path, observe);
    try {
      const made: ServerInterceptingCallInterface = interceptor(method, outer);
      if (made === outer) return asCall(call);
      const inside = insideOf(made);
      if (inside !== undefined) watchResponder(inside, outer);
      return asCall(new Border(made, method.path, observe, outer));
    } catch (error) {
      return refusing(outer, error);
    }
  };
}

/** Stands on both sides of an interceptor: what those further in make of an event, and those further out of an answer, may throw. */
class Border extends PassingCall {
  readonly observe: GuardOptions["observe"];
  readonly #path: string;
  /** On the other side of the interceptor that is next to this one, nearer to the wire. */
  readonly #outer: Border | undefined;
  /** A status has gone out here, or the call is over. */
  #over = false;

  constructor(call: ServerInterceptingCallInterface, path: string, observe: GuardOptions["observe"], outer?: Border) {
    super(call);
    this.#path = path;
    this.observe = observe;
    this.#outer = outer;
  }

  /** Deals with what those further in threw. */
  fail(error: unknown): void {
    if (!this.#over) {
      this.#over = true;
      const context = rpcContext.get();
      const result = internalError(context?.requestId);
      try {
        this.call.sendStatus(result);
      } catch (failure) {
        this.#failOuter(failure);
      }
      // The handler may be at work on a call that has its answer now.
      context?.cancel(new Error("An interceptor failed", { cause: error }));
      // Those further in did not see it go out.
      try {
        unseenStatus.during(result, () => super.onCancel());
      } catch (failure) {
        warn(failure);
      }
    }
    harmless(this.observe)?.({ type: "threw", path: this.#path, error });
  }

  override start(listener: WireListener): void {
    try {
      super.start(listener);
    } catch (error) {
      this.#failOuter(error);
    }
  }

  override onReceiveMetadata(metadata: Metadata): void {
    try {
      super.onReceiveMetadata(metadata);
    } catch (error) {
      this.fail(error);
    }
  }

  override onReceiveMessage(message: unknown): void {
    try {
      super.onReceiveMessage(message);
    } catch (error) {
      this.fail(error);
    }
  }

  override onReceiveHalfClose(): void {
    try {
      super.onReceiveHalfClose();
    } catch (error) {
      this.fail(error);
    }
  }

  override onCancel(): void {
    this.#over = true;
    try {
      super.onCancel();
    } catch (error) {
      this.fail(error);
    }
  }

  override sendMetadata(metadata: Metadata): void {
    if (this.#over) return;
    try {
      super.sendMetadata(metadata);
    } catch (error) {
      this.#failOuter(error);
    }
  }

  override sendMessage(message: unknown, sent: () => void): void {
    if (this.#over) return;
    try {
      super.sendMessage(message, sent);
    } catch (error) {
      this.#failOuter(error);
    }
  }

  override sendStatus(result: PartialStatus): void {
    if (this.#over) return;
    this.#over = true;
    try {
      super.sendStatus(result);
    } catch (error) {
      this.#failOuter(error);
    }
  }

  /** Deals with what those further out threw. */
  #failOuter(error: unknown): void {
    (this.#outer ?? this).fail(error);
  }
}

/**
 * What an interceptor gave to the call that it returned. Not public, and the only place where a rejection can be seen.
 * Undefined for a call that is not grpc-js' own.
 */
function insideOf(call: ServerInterceptingCallInterface): Responder | undefined {
  return (call as unknown as { responder?: Responder }).responder;
}

/** grpc-js' own functions for what an interceptor leaves out: nothing to watch there. */
const plain = insideOf(new ServerInterceptingCall({} as ServerInterceptingCallInterface));

function watchResponder(inside: Responder, outer: Border): void {
  const { start, sendMetadata, sendMessage, sendStatus } = inside;
  if (start !== plain?.start) {
    inside.start = watched(outer, (next) => start((listener) => next(listener && watchListener(listener, outer))));
  }
  if (sendMetadata !== plain?.sendMetadata) inside.sendMetadata = watched(outer, sendMetadata);
  if (sendMessage !== plain?.sendMessage) inside.sendMessage = watched(outer, sendMessage);
  if (sendStatus !== plain?.sendStatus) inside.sendStatus = watched(outer, sendStatus);
}

function watchListener(listener: Listener, outer: Border): Listener {
  const { onReceiveMetadata, onReceiveMessage, onReceiveHalfClose, onCancel } = listener;
  return {
    ...(onReceiveMetadata && { onReceiveMetadata: watched(outer, onReceiveMetadata) }),
    ...(onReceiveMessage && { onReceiveMessage: watched(outer, onReceiveMessage) }),
    ...(onReceiveHalfClose && { onReceiveHalfClose: watched(outer, onReceiveHalfClose) }),
    ...(onCancel && { onCancel: watched(outer, onCancel) }),
  };
}

/** grpc-js drops what such a function returns, and a rejection would end the process. */
function watched<Args extends unknown[]>(outer: Border, run: (...args: Args) => unknown): (...args: Args) => void {
  return (...args) => {
    try {
      const result = run(...args);
      if (result instanceof Promise) result.catch((error: unknown) => outer.fail(error)).catch(warn);
    } catch (error) {
      outer.fail(error);
    }
  };
}

/** The call of an interceptor that could not be made: it starts, for those nearer to the wire, and goes no further. */
function refusing(outer: Border, error: unknown): ServerInterceptingCall {
  const nothing = (): void => undefined;
  return new ServerInterceptingCall(outer, {
    start: (next) =>
      next({
        onReceiveMetadata: () => outer.fail(error),
        onReceiveMessage: nothing,
        onReceiveHalfClose: nothing,
        onCancel: nothing,
      }),
  });
}

function internalError(requestId: string | undefined) {
  return statusOf(status.INTERNAL, "Internal error", { reason: "INTERNAL", requestId });
}

/** For what goes wrong while something that went wrong is dealt with: it must not end the process either. */
function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
