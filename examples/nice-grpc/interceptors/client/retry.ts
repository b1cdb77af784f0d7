// SPDX-License-Identifier: MIT
/**
 * Copy:    client/retry.ts
 * Place:   client, inside deadline and idempotency key, outside breaker, concurrency limit, attempt timeout and auth.
 * Does:    tries a failed call again where that is safe, has time and is within the budget; says on the wire which attempt
 *          it is, and how many more the services further in may make.
 * Doesn't: repeat what grpc-js repeats by itself, hedge, or have a budget of its own: client/retry-budget.ts is one.
 * With:    context.ts, request-replay.ts, retry-core.ts, status.ts
 * Source:  gRFC A6.
 */
import { AsyncResource } from "node:async_hooks";
import {
  type ChannelOptions,
  InterceptingCall,
  type Interceptor,
  type InterceptorOptions,
  Metadata,
  type NextCall,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { rpcContext, type Timer } from "../context.ts";
import { RequestReplay } from "../request-replay.ts";
import {
  type AttemptRecorder,
  type AttemptReport,
  type AttemptRoute,
  creditOf,
  decideRetry,
  EXHAUSTED,
  type Policy,
  policyOf,
  type RetryEnv,
  type RetryMethod,
  type RetryOptions,
  readFailure,
  type StopReason,
  spendCredit,
  withoutAttemptTimeout,
} from "../retry-core.ts";
import { isLocal, localStatus } from "../status.ts";

export type * from "../retry-core.ts";

type LowerCall = ReturnType<NextCall>;
type Listener = NonNullable<Parameters<LowerCall["start"]>[1]>;
type MessageContext = Parameters<LowerCall["sendMessageWithContext"]>[0];

/** For the channel: no TXT record may add retries, and `grpc.enable_retries` stays, for streams that a server refused. */
export const retryChannelOptions: ChannelOptions = { "grpc.service_config_disable_resolution": 1 };

const ATTEMPTS_KEY = "grpc-previous-rpc-attempts";
const CREDIT_KEY = "x-retry-credit";

/** Tries calls again. Make one per channel: the limit of its buffers is the channel's. */
export function retry(options: RetryOptions, env: RetryEnv = {}): Interceptor {
  const policy = policyOf(options, env);
  return (call, nextCall) => {
    const method = options.methods(call.method_definition.path) ?? {};
    if (method.retry !== false && method.hedge !== true) return new RetryingCall(policy, method, call, nextCall);
    const parent = rpcContext.get();
    return new InterceptingCall(nextCall(call), {
      start(metadata, listener, next) {
        const stamped = metadata.clone();
        stamped.set(CREDIT_KEY, String(Math.min(policy.maxAttempts - 1, creditOf(parent))));
        next(stamped, listener);
      },
    });
  };
}

/** The call that the caller sees: one attempt at a time stands behind it, and what earlier ones say is not heard. */
class RetryingCall extends InterceptingCall {
  readonly #policy: Policy;
  readonly #method: RetryMethod;
  readonly #options: InterceptorOptions;
  readonly #nextCall: NextCall;
  readonly #parent = rpcContext.get();
  // A status arrives in the context of a socket; what makes the next attempt has to find the caller's. (Not
  // AsyncLocalStorage.snapshot(): 5 µs a call, a hundred times as much.)
  readonly #context = new AsyncResource("grpc.retry", { requireManualDestroy: true });
  readonly #path: string;
  readonly #deadline: number;
  readonly #slackMs: number;
  readonly #request: RequestReplay;
  readonly #reports: AttemptReport[] = [];
  #lower: LowerCall;
  #metadata!: Metadata;
  #listener: Listener = {};
  #route: ReturnType<AttemptRecorder["begin"]> | undefined;
  #attempts = 0;
  /** Whose answers count: the number of the attempt, 0 when there is none. */
  #current = 0;
  #startedAt = 0;
  #sentTo: AttemptRoute | undefined;
  #backoffs = 0;
  #timer: Timer | undefined;
  /** What the attempt ends with is what the call ends with. */
  #committed = false;
  #cancelled = false;
  #ended = false;
  #heldHeaders: Metadata | undefined;
  #answered = false;
  #reading = false;

  constructor(policy: Policy, method: RetryMethod, options: InterceptorOptions, nextCall: NextCall) {
    const lower = nextCall(options);
    super(lower);
    this.#lower = lower;
    this.#policy = policy;
    this.#method = method;
    this.#options = options;
    this.#nextCall = nextCall;
    const { path, requestStream, requestSerialize } = options.method_definition;
    this.#path = path;
    this.#request = new RequestReplay(policy, requestStream ? requestSerialize : undefined, (error) =>
      this.#threw(error),
    );
    this.#deadline = Number(options.deadline ?? Infinity);
    // The services further in keep this much of their time back (client/deadline.ts), and give up that much earlier.
    this.#slackMs = Math.min(50, Math.max(5, (this.#deadline - policy.clock.now()) * 0.05));
  }

  override start(metadata: Metadata, listener: Listener = {}): void {
    // The caller may change its own for the next call.
    this.#metadata = metadata.clone();
    this.#listener = listener;
    this.#route = this.#policy.attempts?.begin();
    this.#policy.budget.deposit();
    this.#startAttempt();
  }

  override sendMessageWithContext(context: MessageContext, message: unknown): void {
    if (this.#ended) return context.callback?.();
    if (!this.#request.push(context, message)) this.#committed = true;
  }

  override halfClose(): void {
    this.#request.halfClose();
  }

  override startRead(): void {
    this.#reading = true;
    if (this.#current > 0) this.#lower.startRead();
  }

  override cancelWithStatus(code: status, details: string): void {
    if (this.#ended) return;
    this.#cancelled = true;
    if (this.#timer === undefined) return this.#lower.cancelWithStatus(code, details);
    this.#finish({ code, details, metadata: new Metadata() }, "cancelled", { later: true });
  }

  override getPeer(): string {
    return this.#lower.getPeer();
  }

  override getAuthContext(): ReturnType<LowerCall["getAuthContext"]> {
    return this.#lower.getAuthContext();
  }

  #startAttempt(): void {
    const { clock, maxAttempts } = this.#policy;
    const number = ++this.#attempts;
    this.#current = number;
    this.#timer = undefined;
    const metadata = this.#metadata.clone();
    if (number > 1) metadata.set(ATTEMPTS_KEY, String(number - 1));
    else metadata.remove(ATTEMPTS_KEY);
    metadata.set(CREDIT_KEY, String(Math.min(maxAttempts - number, creditOf(this.#parent))));
    this.#sentTo = this.#route?.mark(metadata);
    this.#startedAt = clock.now();
    // In a timer or a socket's event, what is thrown further in would end the process instead of the call.
    try {
      if (number > 1) this.#lower = this.#nextCall(this.#options);
      this.#lower.start(metadata, {
        onReceiveMetadata: (headers) => void (this.#current === number && this.#onHeaders(headers)),
        onReceiveMessage: (message) => void (this.#current === number && this.#onMessage(message)),
        onReceiveStatus: (result) => void (this.#current === number && this.#onStatus(result)),
      });
      if (this.#current !== number) return;
      if (this.#reading) this.#lower.startRead();
      this.#request.sendTo(this.#lower);
    } catch (error) {
      this.#threw(error);
    }
  }

  #onHeaders(headers: Metadata): void {
    if (this.#policy.commitOn === "message" && !this.#options.method_definition.responseStream) {
      this.#heldHeaders = headers;
      return;
    }
    this.#commit();
    this.#listener.onReceiveMetadata?.(headers);
  }

  #onMessage(message: unknown): void {
    // How grpc-js says that there is no unary response. Whether the caller hears of it is for the status to decide.
    if (message === null) return;
    this.#commit();
    this.#releaseHeaders();
    this.#answered = true;
    this.#listener.onReceiveMessage?.(message);
  }

  #commit(): void {
    if (this.#committed) return;
    this.#committed = true;
    this.#request.commit();
    this.#policy.medians.of(this.#path).add(this.#policy.clock.now() - this.#startedAt);
  }

  #onStatus(result: StatusObject): void {
    const { budget, clock, medians, random } = this.#policy;
    if (result.code === status.OK) {
      budget.recordSuccess();
      return this.#finish(result);
    }
    const peer = this.#sentTo?.peer ?? this.#lower.getPeer();
    this.#reports.push({ peer, code: result.code, ms: clock.now() - this.#startedAt });
    if (this.#cancelled) return this.#finish(result, "cancelled");
    if (this.#committed) return this.#finish(result, "committed");
    const decision = decideRetry(
      {
        ...readFailure(result, this.#sentTo?.sent),
        attempts: this.#attempts,
        backoffs: this.#backoffs,
        idempotency: this.#method.idempotency ?? "UNKNOWN",
        keyed: this.#method.key === "field" || this.#metadata.get("idempotency-key").length > 0,
        leftMs: this.#leftMs,
        slackMs: this.#slackMs,
        medianMs: medians.of(this.#path).value,
        credit: creditOf(this.#parent),
      },
      this.#policy,
      random,
    );
    if ((decision.retry || decision.failure) && !isLocal(result)) budget.recordFailure();
    if (!decision.retry) return this.#finish(result, decision.why);
    if (!budget.withdraw(this.#parent?.previousAttempts ?? 0)) return this.#finish(result, "budget");
    this.#backoffs = decision.exact ? 0 : this.#backoffs + 1;
    this.#retryIn(decision.delayMs, result.code);
  }

  #retryIn(delayMs: number, code: status): void {
    const { clock, observe } = this.#policy;
    this.#current = 0;
    this.#heldHeaders = undefined;
    this.#request.sendTo(undefined);
    spendCredit(this.#parent);
    observe?.({ kind: "retry", path: this.#path, attempt: this.#attempts + 1, code, delayMs });
    this.#timer = clock.setTimeout(() => this.#context.runInAsyncScope(() => this.#startAttempt()), delayMs);
  }

  #threw(error: unknown): void {
    // The caller's own: what it throws when told of the end is not ours to report.
    if (this.#ended) throw error;
    const text = `Cannot make attempt ${this.#attempts} of ${this.#path}: ${String(error)}`;
    const result = localStatus(status.INTERNAL, text, { reason: "INTERNAL", metadata: { method: this.#path } });
    this.#finish(Object.assign(result, { cause: error }), "threw", { later: true });
    this.#lower.cancelWithStatus(status.CANCELLED, text);
  }

  /** `why` of a failure. `later`: nothing from further in brings this status, so it comes in a turn of its own. */
  #finish(result: StatusObject, why?: StopReason, { later = false } = {}): void {
    this.#ended = true;
    this.#current = 0;
    this.#timer?.cancel();
    this.#route?.end();
    this.#request.end();
    if (why !== undefined) {
      // The caller of this service is told not to try again either: one layer does it, and here it was tried in vain.
      if (this.#parent && (this.#attempts > 1 || EXHAUSTED.has(why))) this.#parent.retries.exhausted = true;
      this.#policy.observe?.({ kind: "stopped", path: this.#path, attempts: this.#attempts, code: result.code, why });
    }
    const own = this.#leftMs > this.#slackMs && !this.#cancelled ? withoutAttemptTimeout(result, this.#path) : result;
    if (later) process.nextTick(() => this.#deliver(own));
    else this.#deliver(own);
  }

  #deliver(result: StatusObject): void {
    this.#releaseHeaders();
    if (!this.#answered && !this.#options.method_definition.responseStream) this.#listener.onReceiveMessage?.(null);
    if (this.#reports.length === 0) return this.#listener.onReceiveStatus?.(result);
    const metadata = result.metadata.clone();
    if (this.#attempts > 1) metadata.set(ATTEMPTS_KEY, String(this.#attempts - 1));
    this.#listener.onReceiveStatus?.(Object.assign({ ...result, metadata }, { attempts: this.#reports }));
  }

  #releaseHeaders(): void {
    const headers = this.#heldHeaders;
    this.#heldHeaders = undefined;
    if (headers) this.#listener.onReceiveMetadata?.(headers);
  }

  get #leftMs(): number {
    return this.#deadline - this.#policy.clock.now();
  }
}
