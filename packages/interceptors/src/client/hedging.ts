// SPDX-License-Identifier: MIT
/**
 * Copy:    client/hedging.ts
 * Place:   client, beside retry, which leaves calls of these methods alone; outside breaker and concurrency limit.
 * Does:    asks a second host when the first takes longer than it mostly does, and takes the better answer.
 * Doesn't: hedge streams, or methods whose contract does not allow it: these go through as they are. Have a budget, or know
 *          hosts: client/retry-budget.ts and client/attempt-routing.ts do.
 * With:    context.ts, hedging-core.ts, retry-core.ts, status.ts
 * Source:  gRFC A6 "Hedging Policy"; Dean & Barroso, "The Tail at Scale", for the 95th percentile.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { InterceptingCall, type Interceptor, Metadata, type NextCall, type StatusObject, status } from "@grpc/grpc-js";
import { type Clock, rpcContext, type Timer } from "../context.ts";
import {
  afterAttempt,
  type HedgeRecorder,
  type HedgingOptions,
  type Policy,
  policyOf,
  RollingP95,
} from "../hedging-core.ts";
import { type AttemptReport, withoutAttemptTimeout } from "../retry-core.ts";
import { isLocal } from "../status.ts";

export type { HedgeBudget, HedgeRecorder, HedgingEvent, HedgingOptions } from "../hedging-core.ts";

type LowerCall = ReturnType<NextCall>;
type CallOptions = Parameters<NextCall>[0];
type Listener = NonNullable<Parameters<LowerCall["start"]>[1]>;
type MessageContext = Parameters<LowerCall["sendMessageWithContext"]>[0];

const ATTEMPTS_KEY = "grpc-previous-rpc-attempts";
const PUSHBACK_KEY = "grpc-retry-pushback-ms";

/** Make one per channel. @throws {RangeError} If a number is out of its range. */
export function hedging(options: HedgingOptions, env: { clock?: Clock } = {}): Interceptor {
  const policy = policyOf(options, env);
  // As many as the contract has hedged methods.
  const latencies = new Map<string, RollingP95>();
  return (call, nextCall) => {
    const { path, requestStream, responseStream } = call.method_definition;
    const method = options.methods(path);
    const isSafe = method?.idempotency === "IDEMPOTENT" || method?.idempotency === "NO_SIDE_EFFECTS";
    if (method?.hedge !== true || !isSafe || requestStream || responseStream) {
      return new InterceptingCall(nextCall(call));
    }
    const latency = latencies.get(path) ?? new RollingP95();
    latencies.set(path, latency);
    return new InterceptingCall(new HedgedCall(policy, latency, call, nextCall));
  };
}

/** One attempt, and its answer, which is kept until it is known to be the call's. */
interface Attempt {
  readonly number: number;
  readonly startedAt: number;
  sentTo?: ReturnType<ReturnType<HedgeRecorder["begin"]>["mark"]> | undefined;
  lower?: LowerCall;
  headers?: Metadata;
  message?: unknown;
}

class HedgedCall implements LowerCall {
  readonly #policy: Policy;
  readonly #latency: RollingP95;
  readonly #options: CallOptions;
  readonly #nextCall: NextCall;
  readonly #deadline: number;
  readonly #parent = rpcContext.get();
  // A timer and a socket's event have other contexts than the caller.
  readonly #inContext = AsyncLocalStorage.snapshot();
  readonly #startedAt: number;
  #metadata = new Metadata();
  #listener: Listener = {};
  #route: ReturnType<HedgeRecorder["begin"]> | undefined;
  #sent: { context: MessageContext; message: unknown }[] = [];
  #halfClosed = false;
  #reading = false;
  /** Attempts that have not ended. */
  readonly #out = new Set<Attempt>();
  /** Those that have failed, or were cancelled for another. */
  readonly #reports: AttemptReport[] = [];
  #first: Attempt | undefined;
  #attempts = 0;
  /** No more hedges. */
  #stopped = false;
  #timer: Timer | undefined;
  #notBefore = 0;
  /** The best there is to say if no attempt succeeds. */
  #last: { attempt: Attempt; result: StatusObject } | undefined;
  #over = false;

  constructor(policy: Policy, latency: RollingP95, options: CallOptions, nextCall: NextCall) {
    this.#policy = policy;
    this.#latency = latency;
    this.#options = options;
    this.#nextCall = nextCall;
    this.#startedAt = policy.clock.now();
    this.#deadline = Number(options.deadline ?? Infinity);
  }

  start(metadata: Metadata, listener: Listener = {}): void {
    this.#metadata = metadata.clone();
    this.#listener = listener;
    if (this.#over) return;
    // The retry of a call: one or the other, never both.
    if (metadata.get(ATTEMPTS_KEY).length > 0) this.#stopped = true;
    this.#route = this.#policy.attempts?.begin();
    this.#policy.budget.deposit();
    try {
      this.#startAttempt();
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  sendMessageWithContext(context: MessageContext, message: unknown): void {
    // Whoever waits for it to be written is told once, by the first that writes it.
    const [first, ...others] = this.#out;
    if (first) first.lower?.sendMessageWithContext(context, message);
    else if (context.callback) queueMicrotask(context.callback);
    const again = context.flags === undefined ? {} : { flags: context.flags };
    this.#sent.push({ context: again, message });
    for (const { lower } of others) lower?.sendMessageWithContext(again, message);
  }

  sendMessage(message: unknown): void {
    this.sendMessageWithContext({}, message);
  }

  halfClose(): void {
    this.#halfClosed = true;
    for (const { lower } of this.#out) lower?.halfClose();
  }

  startRead(): void {
    this.#reading = true;
    for (const { lower } of this.#out) lower?.startRead();
  }

  cancelWithStatus(code: status, details: string): void {
    if (this.#over) return;
    this.#end(code, details);
    queueMicrotask(() => this.#tell(undefined, { code, details, metadata: new Metadata() }));
  }

  getPeer(): string {
    return this.#first?.lower?.getPeer() ?? "";
  }

  getAuthContext(): ReturnType<LowerCall["getAuthContext"]> {
    return this.#first?.lower?.getAuthContext() ?? null;
  }

  #startAttempt(): void {
    const attempt: Attempt = { number: ++this.#attempts, startedAt: this.#policy.clock.now() };
    this.#first ??= attempt;
    const metadata = this.#metadata.clone();
    if (attempt.number > 1) metadata.set(ATTEMPTS_KEY, String(attempt.number - 1));
    attempt.sentTo = this.#route?.mark(metadata);
    const lower = this.#nextCall(this.#options);
    attempt.lower = lower;
    this.#out.add(attempt);
    this.#hedgeIn(Math.max(this.#policy.delayMs, this.#latency.value));
    lower.start(metadata, {
      onReceiveMetadata: (headers) => void (attempt.headers = headers),
      onReceiveMessage: (message) => void (attempt.message = message),
      onReceiveStatus: (result) => this.#onStatus(attempt, result),
    });
    if (!this.#out.has(attempt)) return;
    if (this.#reading) lower.startRead();
    for (const { context, message } of this.#sent) lower.sendMessageWithContext(context, message);
    if (this.#halfClosed) lower.halfClose();
  }

  #onStatus(attempt: Attempt, result: StatusObject): void {
    if (!this.#out.delete(attempt)) return;
    const { budget, nonFatal, clock } = this.#policy;
    const local = isLocal(result);
    const next = afterAttempt({ code: result.code, local, pushback: result.metadata.get(PUSHBACK_KEY) }, nonFatal);
    if (result.code === status.OK) {
      budget.recordSuccess();
      this.#latency.add(clock.now() - this.#startedAt);
    } else this.#report(attempt, result.code);
    if (next === "final") return this.#deliver(attempt, result);
    // What a server said says more than a refusal in this process.
    if (!local || this.#last === undefined) this.#last = { attempt, result };
    if (!local) budget.recordFailure();
    if (next === "stop") return this.#stop(local ? "local" : "pushback");
    if (this.#stopped || this.#attempts >= this.#policy.maxAttempts) return this.#settle();
    // What one host wished for holds for the failures of others too.
    this.#notBefore = Math.max(this.#notBefore, clock.now() + next);
    const waitMs = this.#notBefore - clock.now();
    if (waitMs === 0) this.#hedge();
    else if (this.#notBefore >= this.#deadline) this.#stop("time");
    else this.#hedgeIn(waitMs);
  }

  /** Instead of what was planned before. */
  #hedgeIn(ms: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { clock, maxAttempts } = this.#policy;
    if (this.#stopped || this.#attempts >= maxAttempts) return;
    if (clock.now() + ms >= this.#deadline) return;
    this.#timer = clock.setTimeout(() => this.#inContext(() => this.#hedge()), ms);
  }

  #hedge(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { budget, clock, observe } = this.#policy;
    if (clock.now() >= this.#deadline) return this.#stop("time");
    if (this.#attempts > (this.#parent?.retryCredit ?? Infinity)) return this.#stop("credit");
    if (this.#route && !this.#route.hasUntried()) return this.#stop("host");
    if (!budget.withdraw(this.#parent?.previousAttempts ?? 0)) return this.#stop("budget");
    observe?.({ kind: "hedge", path: this.#path, attempt: this.#attempts + 1 });
    try {
      this.#startAttempt();
    } catch (error) {
      // The caller's own, when it is told of the end.
      if (this.#over) throw error;
      // In a timer or a socket's event: the call goes on with what it has.
      observe?.({ kind: "none", why: "threw", error, path: this.#path, attempt: this.#attempts });
      const broken = [...this.#out].find(({ number }) => number === this.#attempts);
      if (broken && this.#out.delete(broken))
        broken.lower?.cancelWithStatus(status.CANCELLED, "it could not be started");
      this.#stopped = true;
      this.#settle();
    }
  }

  #stop(why: "budget" | "host" | "time" | "pushback" | "local" | "credit"): void {
    if (!this.#stopped) this.#policy.observe?.({ kind: "none", why, path: this.#path, attempt: this.#attempts + 1 });
    this.#stopped = true;
    this.#settle();
  }

  /** There will be no other attempt: if none is out, the call has ended. */
  #settle(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#out.size === 0 && this.#last) this.#deliver(this.#last.attempt, this.#last.result);
  }

  #deliver(attempt: Attempt, result: StatusObject): void {
    if (this.#over) return;
    this.#end();
    this.#policy.observe?.({ kind: "won", path: this.#path, attempt: attempt.number });
    // The services further in keep this much of their time back (client/deadline.ts), and give up that much earlier.
    const slackMs = Math.min(50, Math.max(5, (this.#deadline - this.#startedAt) * 0.05));
    const early = this.#deadline - this.#policy.clock.now() > slackMs;
    this.#tell(attempt, early ? withoutAttemptTimeout(result, this.#path) : result);
  }

  /** Before anybody hears of it, the attempts that are out are cancelled: their hosts can stop at once. */
  #end(code = status.CANCELLED, details = "another attempt has ended the call"): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#route?.end();
    const losers = [...this.#out];
    this.#out.clear();
    for (const attempt of losers) {
      this.#report(attempt, code);
      attempt.lower?.cancelWithStatus(code, details);
    }
  }

  #report({ sentTo, lower, startedAt }: Attempt, code: status): void {
    const peer = sentTo?.peer ?? lower?.getPeer() ?? "";
    this.#reports.push({ peer, code, ms: this.#policy.clock.now() - startedAt });
  }

  #tell(attempt: Attempt | undefined, result: StatusObject): void {
    if (attempt?.headers) this.#listener.onReceiveMetadata?.(attempt.headers);
    this.#listener.onReceiveMessage?.(attempt?.message ?? null);
    if (this.#reports.length === 0) return this.#listener.onReceiveStatus?.(result);
    const metadata = result.metadata.clone();
    if (this.#attempts > 1) metadata.set(ATTEMPTS_KEY, String(this.#attempts - 1));
    this.#listener.onReceiveStatus?.(Object.assign({ ...result, metadata }, { attempts: this.#reports }));
  }

  get #path(): string {
    return this.#options.method_definition.path;
  }
}
