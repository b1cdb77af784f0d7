// SPDX-License-Identifier: MIT
/**
 * Copy:    server/drain.ts
 * Place:   server, after telemetry and before deadline: outside of all that would admit a call.
 * Does:    takes no new calls once the server drains, and says so in a way that makes clients go elsewhere at once; ends open
 *          streams then, unary calls when their grace is over, handlers that ignore their signal included.
 * Doesn't: close listeners and connections, nor tell the health service: the owner of the server does.
 * With:    context.ts, passing-call.ts, status.ts
 * Source:  gRFC A6 for the pushback; AIP-193.
 */
import {
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { type RpcContext, rpcContext } from "../context.ts";
import { asCall, PassingCall, type PartialStatus } from "../passing-call.ts";
import { statusOf } from "../status.ts";

export interface DrainOptions {
  /** Calls that are answered while the server drains. @default those of grpc.health.v1.Health */
  exempt?: (path: string) => boolean;
}

/** The interceptor and the switch that belongs to it. */
export interface DrainGate {
  readonly interceptor: ServerInterceptor;
  readonly draining: boolean;
  /** Calls under way, without the exempt ones. */
  readonly inFlight: number;
  /** Refuses new calls and ends streams. Resolves when no call is under way; once more is without effect. */
  drain(): Promise<void>;
  /** Ends what is still under way, exempt or not, and refuses all that comes. */
  cut(): void;
}

const isHealth = (path: string): boolean => path.startsWith("/grpc.health.v1.Health/");

export function drainGate({ exempt = isHealth }: DrainOptions = {}): DrainGate {
  const gate = new Gate();
  return {
    interceptor: ({ path, requestStream, responseStream }, call) =>
      asCall(new GatedCall(call, gate, { exempt: exempt(path), streams: requestStream || responseStream })),
    get draining() {
      return gate.draining;
    },
    get inFlight() {
      return gate.inFlight;
    },
    drain: () => gate.drain(),
    cut: () => gate.cut(),
  };
}

/** The calls that are open. */
class Gate {
  readonly #open = new Set<GatedCall>();
  readonly #idle = Promise.withResolvers<void>();
  inFlight = 0;
  draining = false;
  #cut = false;

  admits({ exempt }: GatedCall): boolean {
    return !this.#cut && (exempt || !this.draining);
  }

  add(call: GatedCall): void {
    this.#open.add(call);
    if (!call.exempt) this.inFlight += 1;
  }

  remove(call: GatedCall): void {
    if (!this.#open.delete(call) || call.exempt) return;
    this.inFlight -= 1;
    if (this.draining && this.inFlight === 0) this.#idle.resolve();
  }

  drain(): Promise<void> {
    if (this.draining) return this.#idle.promise;
    this.draining = true;
    for (const call of this.#open) if (call.streams && !call.exempt) call.end();
    if (this.inFlight === 0) this.#idle.resolve();
    return this.#idle.promise;
  }

  cut(): void {
    this.draining = true;
    this.#cut = true;
    for (const call of this.#open) call.end();
    if (this.inFlight === 0) this.#idle.resolve();
  }
}

class GatedCall extends PassingCall {
  readonly exempt: boolean;
  readonly streams: boolean;
  readonly #gate: Gate;
  #context: RpcContext | undefined;
  #ended = false;

  constructor(
    call: ServerInterceptingCallInterface,
    gate: Gate,
    { exempt, streams }: { exempt: boolean; streams: boolean },
  ) {
    super(call);
    this.#gate = gate;
    this.exempt = exempt;
    this.streams = streams;
  }

  override onReceiveMetadata(metadata: Metadata): void {
    if (!this.#gate.admits(this)) {
      this.#ended = true;
      return this.refuse(drainingStatus());
    }
    this.#context = rpcContext.get();
    this.#gate.add(this);
    super.onReceiveMetadata(metadata);
  }

  override onCancel(): void {
    this.#gate.remove(this);
    super.onCancel();
  }

  override sendMessage(message: unknown, sent: () => void): void {
    if (!this.#ended) super.sendMessage(message, sent);
  }

  override sendStatus(result: PartialStatus): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#gate.remove(this);
    super.sendStatus(result);
  }

  /** The status first: what the handler does about its signal comes too late to be a second one. */
  end(): void {
    this.sendStatus(drainingStatus());
    this.#context?.cancel(new DOMException("The server is draining", "AbortError"));
  }
}

/** Another instance may serve the call, and at once: that is what a pushback of 0 says. */
function drainingStatus(): StatusObject {
  const result = statusOf(status.UNAVAILABLE, "This instance is shutting down", {
    reason: "DRAINING",
    retryAfterMs: 0,
  });
  result.metadata.set("grpc-retry-pushback-ms", "0");
  return result;
}
