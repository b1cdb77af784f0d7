// SPDX-License-Identifier: MIT
/**
 * Copy:    client/concurrency-limit.ts
 * Place:   client, inside retry and breaker (a permit is held by an attempt, not during a wait), outside attempt timeout.
 * Does:    keeps the attempts in flight to one target below a limit, fixed or found by itself; others wait or are refused.
 * Doesn't: limit calls per second, or know of other processes; one interceptor is one limit: share it among a target's clients.
 * With:    concurrency-core.ts, context.ts, status.ts
 * Source:  Netflix' concurrency-limits.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  type InterceptingCall,
  type Interceptor,
  Metadata,
  type NextCall,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import {
  type Limit,
  only,
  Permits,
  PRIORITIES,
  type Sample,
  type Shares,
  useful,
  WaitingLine,
  whole,
  within,
} from "../concurrency-core.ts";
import { type Clock, harmless, type Priority, rpcContext, systemClock, type Timer } from "../context.ts";
import { isLocal, localStatus } from "../status.ts";

export { type AdaptiveOptions, AimdLimit, Gradient2Limit, type Limit, type Shares } from "../concurrency-core.ts";

type LowerCall = ReturnType<NextCall>;
type CallOptions = Parameters<NextCall>[0];
type Listener = NonNullable<Parameters<LowerCall["start"]>[1]>;

export interface ConcurrencyLimitOptions {
  /** How many attempts may be in flight: a number, or one that is found (`new Gradient2Limit()`, `new AimdLimit()`). */
  limit: number | Limit;
  /** Where the others wait. Undefined: they are refused at once. */
  queue?: {
    /** How many may wait. */
    size: number;
    /** Longest wait; the call's deadline may be nearer. @default 1_000 */
    maxWaitMs?: number;
  };
  /** The priority of a method. Without one that of the incoming call holds, and without that "default". */
  methods?: (path: string) => { priority?: Priority | undefined } | undefined;
  /**
   * Share of the limit, rounded down, that each priority can count on; what it does not use of it stays free. All shares together
   * are less than the limit, unless every priority has one.
   * @default critical 0.2 and default 0.1 if `methods` is given, else none
   */
  shares?: Shares;
  /** Hears of every call that does not start at once. */
  observe?: (event: ConcurrencyLimitEvent) => void;
}

/** "expired": its time ended while it waited; "rejected": no room, or no patience. */
export interface ConcurrencyLimitEvent {
  kind: "queued" | "expired" | "rejected";
  path: string;
  priority: Priority;
  limit: number;
  inFlight: number;
  waiting: number;
}

const DROPS = new Set([status.DEADLINE_EXCEEDED, status.UNAVAILABLE]);
const NOTHING = new Metadata();

/** Lets an attempt start when there is a permit for it, and gives the permit back when the attempt ends, however it does. */
export function concurrencyLimit(
  options: ConcurrencyLimitOptions,
  { clock = systemClock }: { clock?: Clock } = {},
): Interceptor {
  const { limit, queue, methods, shares, observe } = options;
  only(options, ["limit", "queue", "methods", "shares", "observe"]);
  only(queue ?? {}, ["size", "maxWaitMs"], "option of queue");
  only(shares ?? {}, PRIORITIES, "priority");
  const given = shares ?? (methods ? { critical: 0.2, default: 0.1 } : {});
  if (typeof limit !== "object") whole("limit", limit, 1, 1_000_000);
  if (queue) whole("queue.size", queue.size, 1, 1_000_000);
  if (queue?.maxWaitMs !== undefined) within("queue.maxWaitMs", queue.maxWaitMs, 1, 2 ** 31 - 1);
  const sum = Object.values(given).reduce((total, share) => total + within("a share", share, 0, 1), 0);
  within("the sum of shares", Number(sum.toFixed(9)), 0, 1);
  if (shares !== undefined) useful(shares, typeof limit === "number" ? limit : Infinity);
  const permits = new Permits(typeof limit === "number" ? { current: limit, add: () => undefined } : limit, given);
  const line = queue && new WaitingLine<LimitedCall>(queue.size);
  const house = { permits, line, maxWaitMs: queue?.maxWaitMs ?? 1_000, clock, observe: harmless(observe) };
  return (call, nextCall) => {
    const priority = methods?.(call.method_definition.path)?.priority ?? rpcContext.get()?.priority ?? "default";
    const limited: LowerCall = new LimitedCall(house, priority, call, nextCall);
    return limited as InterceptingCall;
  };
}

interface House {
  permits: Permits;
  line: WaitingLine<LimitedCall> | undefined;
  maxWaitMs: number;
  clock: Clock;
  observe: ConcurrencyLimitOptions["observe"];
}

/** The call above and the listener below. It may wait before it starts; what the caller sends meanwhile follows then. */
class LimitedCall implements LowerCall {
  readonly priority: Priority;
  readonly #house: House;
  readonly #options: CallOptions;
  readonly #nextCall: NextCall;
  #lower: LowerCall | undefined;
  #metadata = NOTHING;
  #listener: Listener = {};
  #early: { send: (lower: LowerCall) => void; callback: (() => void) | undefined }[] = [];
  #ended = false;
  /** While it waits. */
  #timer: Timer | undefined;
  #resume: () => void = () => undefined;
  /** While it holds a permit. */
  #permit: Pick<Sample, "startedAt" | "inFlight"> | undefined;
  #measured = false;

  constructor(house: House, priority: Priority, options: CallOptions, nextCall: NextCall) {
    this.#house = house;
    this.priority = priority;
    this.#options = options;
    this.#nextCall = nextCall;
  }

  start(metadata: Metadata, listener: Listener = {}): void {
    this.#metadata = metadata;
    this.#listener = listener;
    if (this.#house.permits.take(this.priority)) this.#run();
    else if (this.#house.line === undefined) this.#refuse();
    else this.#wait(this.#house.line);
  }

  sendMessageWithContext(context: Parameters<LowerCall["sendMessageWithContext"]>[0], message: unknown): void {
    this.#pass((lower) => lower.sendMessageWithContext(context, message), context.callback);
  }

  sendMessage(message: unknown): void {
    this.#pass((lower) => lower.sendMessage(message));
  }

  halfClose(): void {
    this.#pass((lower) => lower.halfClose());
  }

  startRead(): void {
    this.#pass((lower) => lower.startRead());
  }

  cancelWithStatus(code: status, details: string): void {
    if (this.#timer) return this.#end({ code, details, metadata: new Metadata() });
    try {
      this.#pass((lower) => lower.cancelWithStatus(code, details));
    } finally {
      this.#release();
    }
  }

  getPeer(): string {
    return this.#lower?.getPeer() ?? "";
  }

  getAuthContext(): ReturnType<LowerCall["getAuthContext"]> {
    return this.#lower?.getAuthContext() ?? null;
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.#tell(() => this.#listener.onReceiveMetadata?.(metadata));
  }

  onReceiveMessage(message: unknown): void {
    if (this.#options.method_definition.responseStream) this.#measure(false);
    this.#tell(() => this.#listener.onReceiveMessage?.(message));
  }

  onReceiveStatus(result: StatusObject): void {
    if (this.#ended) return;
    this.#ended = true;
    if (result.code === status.OK) this.#measure(false);
    else if (DROPS.has(result.code) && !isLocal(result)) this.#measure(true);
    this.#release();
    this.#listener.onReceiveStatus?.(result);
  }

  /** `callback`: what a writer waits for before it goes on, sent or not. */
  #pass(send: (lower: LowerCall) => void, callback?: () => void): void {
    if (this.#lower) send(this.#lower);
    else if (!this.#ended) this.#early.push({ send, callback });
    else if (callback) queueMicrotask(callback);
  }

  /** A listener that throws may be the last that is heard of the attempt: grpc-js may never come to the status. */
  #tell(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.cancelWithStatus(status.CANCELLED, "the caller's listener threw");
      throw error;
    }
  }

  #run(): void {
    const { permits, clock } = this.#house;
    this.#permit = { startedAt: clock.now(), inFlight: permits.inFlight };
    try {
      this.#lower = this.#nextCall(this.#options);
      this.#lower.start(this.#metadata, this);
      for (const { send } of this.#early.splice(0)) send(this.#lower);
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  #wait(line: WaitingLine<LimitedCall>): void {
    const { clock, maxWaitMs } = this.#house;
    const leftMs = Number(this.#options.deadline ?? Infinity) - clock.now();
    const late = leftMs <= maxWaitMs;
    this.#timer = clock.setTimeout(() => this.#refuse(late ? "expired" : "rejected"), Math.min(leftMs, maxWaitMs));
    // What starts it later is the end of some other call: it must find the context that this one was made in.
    const inContext = AsyncLocalStorage.snapshot();
    this.#resume = () => inContext(() => this.#runLater());
    this.#observe("queued");
    const out = line.add(this);
    if (out) out.#refuse();
  }

  /** There is a permit now. Whoever gave it back is not to hear of what goes wrong here. */
  #runLater(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    try {
      this.#run();
    } catch (error) {
      const { path } = this.#options.method_definition;
      const result = localStatus(status.INTERNAL, `Cannot start ${path}: ${String(error)}`, { reason: "INTERNAL" });
      this.#end(Object.assign(result, { cause: error }));
    }
  }

  #refuse(kind: "expired" | "rejected" = "rejected"): void {
    const { path } = this.#options.method_definition;
    this.#observe(kind);
    if (kind === "expired") {
      const details = { reason: "DEADLINE_EXCEEDED", metadata: { method: path } };
      return this.#end(localStatus(status.DEADLINE_EXCEEDED, `Cannot start ${path}: its time ended in line`, details));
    }
    const details = { reason: "CLIENT_CONCURRENCY_LIMIT", metadata: { method: path, priority: this.priority } };
    this.#end(localStatus(status.RESOURCE_EXHAUSTED, `Cannot start ${path}: too many calls are in flight`, details));
  }

  /** Ends a call that has not gone down. In a later turn: a stream's caller has no listener for errors before. */
  #end(result: StatusObject): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#house.line?.remove(this);
    queueMicrotask(() => {
      for (const { callback } of this.#early.splice(0)) callback?.();
      if (!this.#options.method_definition.responseStream) this.#listener.onReceiveMessage?.(null);
      this.#listener.onReceiveStatus?.(result);
    });
  }

  /** One sample of an attempt at most. How long a request stream takes is the caller's doing. */
  #measure(dropped: boolean): void {
    const { permits, clock } = this.#house;
    if (this.#measured || !this.#permit) return;
    this.#measured = true;
    if (dropped || !this.#options.method_definition.requestStream) {
      permits.limit.add({ ...this.#permit, now: clock.now(), dropped });
    }
  }

  /** Without effect the second time. */
  #release(): void {
    const { permits, line } = this.#house;
    if (!this.#permit) return;
    this.#permit = undefined;
    permits.give(this.priority);
    const next = () => line?.next((priority) => permits.take(priority));
    for (let call = next(); call; call = next()) call.#resume();
  }

  #observe(kind: ConcurrencyLimitEvent["kind"]): void {
    const { permits, line, observe } = this.#house;
    const { path } = this.#options.method_definition;
    const { inFlight, limit } = permits;
    observe?.({ kind, path, priority: this.priority, limit: limit.current, inFlight, waiting: line?.length ?? 0 });
  }
}
