// SPDX-License-Identifier: MIT
/**
 * Copy:    server/load-shed.ts
 * Place:   server, after the context, the drain gate and the expired deadline, before anything that costs: it refuses
 *          from the headers alone, so that a refused call is never parsed.
 * Does:    keeps a server that is offered more than it can do at its best rate: bounds calls in progress by what the event
 *          loop can bear, refuses calls that cannot end in time, and drops by priority, repeated attempts first.
 * Doesn't: bound one caller (server/rate-limit.ts), queue (the event loop is the queue), or estimate how long streams take.
 * With:    context.ts, load-signals.ts, status.ts
 * Source:  gRFC A6 (pushback); Netflix concurrency-limits; "Overload Control for Scaling WeChat Microservices" (DAGOR).
 */
import { type Metadata, ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { type Clock, harmless, type Priority, rpcContext, systemClock } from "../context.ts";
import { statusOf } from "../status.ts";
import { type LoadSignals, processSignals, ServiceTime } from "../load-signals.ts";

export type ShedCause = "in_flight" | "streams" | "priority" | "heap" | "doomed";

/** What load shedding did. */
export type LoadShedEvent =
  | ({ readonly kind: "shed"; readonly cause: ShedCause } & Pick<Arrival, "path" | "priority" | "retry">)
  | { readonly kind: "limit"; readonly limit: number; readonly signals: LoadSignals };

export interface LoadShedOptions {
  /** What the contract says of a method; it counts where no context gives the call a priority. */
  methods?: (path: string) => { readonly priority: Priority } | undefined;
  /** Unary calls in progress at most, however idle the process. Equal to `minInFlight`: a fixed limit. @default 1_000 */
  maxInFlight?: number;
  /** The limit never falls below this; what a priority may fill of the limit is in `CEILING`. @default 1 */
  minInFlight?: number;
  /** Where the limit starts from. @default 20, or the nearest that is allowed */
  initialInFlight?: number;
  /** Open streams at most: they last, so they take no room from the unary calls. @default 1_000 */
  maxStreams?: number;
  /** The limit shrinks, and no stream opens, while turns are later than `maxDelayMs`, the loop busier than `maxUtilization`. */
  eventLoop?: {
    /** @default 10 */
    maxDelayMs?: number;
    /** Below it, a late turn is a pause and no overload; above it, more calls at once would only wait. @default 0.97 */
    maxUtilization?: number;
  };
  /** From this share of the heap on only critical calls are taken. @default 0.9 */
  maxHeapShare?: number;
  /** How often the signals are looked at. @default 500 */
  sampleMs?: number;
  /** When refused callers should come back; half to one and a half times that. @default 100 */
  pushbackMs?: number;
  /** Services that are never refused, by full name. @default health, reflection and channelz */
  exempt?: readonly string[];
  /** The signals. @default of this process */
  probe?: () => LoadSignals;
  observe?: (event: LoadShedEvent) => void;
}

export interface LoadShedEnv {
  clock?: Clock;
  random?: () => number;
  /** Runs when the event loop has done what it found in its sockets. @default setImmediate */
  endOfTurn?: (run: () => void) => void;
}

const EXEMPT = [
  "grpc.health.v1.Health",
  "grpc.reflection.v1.ServerReflection",
  "grpc.reflection.v1alpha.ServerReflection",
  "grpc.channelz.v1.Channelz",
];

/** Refuses calls that the server could only answer too late, before it has read them. Dispose it with the server. */
export function loadShed(options: LoadShedOptions = {}, env: LoadShedEnv = {}): ServerInterceptor & Disposable {
  const { methods, pushbackMs = 100, exempt = EXEMPT, observe } = options;
  requireRange("pushbackMs", pushbackMs, 1, 60_000);
  const ownProbe = options.probe === undefined ? processSignals() : undefined;
  const shedder = new Shedder({ ...options, probe: options.probe ?? ownProbe?.read ?? noSignals }, env);

  const interceptor: ServerInterceptor = ({ path, requestStream, responseStream }, call) => {
    if (exempt.includes(path.slice(1, path.lastIndexOf("/")))) return new ServerInterceptingCall(call);
    const stream = requestStream || responseStream;
    let permit: Permit | undefined;
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, accept) => {
            const priority = rpcContext.get()?.priority ?? methods?.(path)?.priority ?? "default";
            const retry = isRetry(metadata);
            const deadline = rpcContext.get()?.deadline ?? Number(call.getDeadline());
            const decision = shedder.admit({ path, stream, priority, retry, deadline });
            if (typeof decision !== "string") {
              permit = decision;
              return accept(metadata);
            }
            harmless(observe)?.({ kind: "shed", path, cause: decision, priority, retry });
            // No headers before it: trailers alone tell the client that it may try again.
            call.sendStatus(refusal(decision, Math.round(pushbackMs * (0.5 + (env.random ?? Math.random)()))));
          },
          onCancel: () => permit?.release("cut"),
        }),
      sendStatus: (result, next) => {
        permit?.release(result.code === status.DEADLINE_EXCEEDED || result.code === status.CANCELLED ? "cut" : "done");
        next(result);
      },
    });
  };
  return Object.assign(interceptor, { [Symbol.dispose]: () => ownProbe?.[Symbol.dispose]() });
}

const isRetry = (metadata: Metadata): boolean => Number(metadata.get("grpc-previous-rpc-attempts")[0] ?? 0) > 0;

function refusal(cause: ShedCause, pushbackMs: number) {
  if (cause === "doomed") {
    const text = "Cannot answer in time: less is left than such a call takes";
    // No pushback: what is late here is late everywhere.
    return statusOf(status.DEADLINE_EXCEEDED, text, { reason: "DEADLINE_TOO_SHORT", metadata: { shed: cause } });
  }
  const text = "Cannot take the call: this instance is overloaded";
  const details = { reason: "OVERLOADED", metadata: { shed: cause }, retryAfterMs: pushbackMs };
  const result = statusOf(status.UNAVAILABLE, text, details);
  result.metadata.set("grpc-retry-pushback-ms", String(pushbackMs));
  return result;
}

/** A call that asks to be let in. */
export interface Arrival {
  readonly path: string;
  readonly stream: boolean;
  readonly priority: Priority;
  readonly retry: boolean;
  /** Milliseconds since the epoch; Infinity for none. */
  readonly deadline: number;
}

/** The room that a call takes. */
export interface Permit {
  /** Gives the room back; without effect the second time. `cut`: the call was ended before it was done. */
  release(end: "done" | "cut"): void;
}

const PRIORITIES: readonly Priority[] = ["critical", "default", "sheddable"];
/** Of the limit, what a class may fill before it is refused; the rest is kept for those above it. */
const CEILING: Readonly<Record<Priority, number>> = { critical: 1, default: 0.9, sheddable: 0.7 };
/** Of the limit, what a class gets even if others have filled the rest. */
const GUARANTEED: Readonly<Record<Priority, number>> = { critical: 0.3, default: 0.2, sheddable: 0.05 };
/** A repeated attempt is refused this much earlier than a first one. */
const RETRY_CEILING = 0.8;
/** So long after a call was refused for lack of room, no room goes to those below it. Unit: milliseconds. */
const PRESSURE_MS = 1_000;
/** This share of the calls that seem to have too little time is let in: without them no estimate could get better. */
const TRIAL_SHARE = 0.02;

const DEFAULTS = { maxInFlight: 1_000, minInFlight: 1, maxStreams: 1_000, maxHeapShare: 0.9, sampleMs: 500 };
const LOOP_DEFAULTS = { maxDelayMs: 10, maxUtilization: 0.97 };
const OTHERS = ["methods", "initialInFlight", "eventLoop", "pushbackMs", "exempt", "probe", "observe"];

/** The decision: takes no call objects, and asks for the signals at most every `sampleMs`, when a call comes. */
export class Shedder {
  /** How many unary calls may be in progress now. */
  limit: number;
  readonly #options: typeof DEFAULTS & { observe: LoadShedOptions["observe"]; probe: () => LoadSignals };
  readonly #loop: typeof LOOP_DEFAULTS;
  readonly #env: Required<LoadShedEnv>;
  readonly #inFlight: Record<Priority, number> = { critical: 0, default: 0, sheddable: 0 };
  readonly #times = new Map<string, ServiceTime>();
  /** By rank, when a call was refused for lack of room. */
  readonly #refusedAt: number[] = Array.from({ length: 2 * PRIORITIES.length }, () => -Infinity);
  /** Calls that ended in this turn of the event loop. */
  #ended: Priority[] = [];
  #streams = 0;
  #peak = 0;
  #sampledAt: number;
  #signals: LoadSignals = noSignals();

  constructor(options: LoadShedOptions & { probe: () => LoadSignals }, env: LoadShedEnv = {}) {
    this.#options = { ...DEFAULTS, ...options, observe: harmless(options.observe) };
    this.#loop = { ...LOOP_DEFAULTS, ...options.eventLoop };
    this.#env = { clock: systemClock, random: Math.random, endOfTurn: setImmediate, ...env };
    const { minInFlight, maxInFlight, maxStreams, maxHeapShare, sampleMs } = this.#options;
    this.limit = options.initialInFlight ?? Math.min(maxInFlight, Math.max(minInFlight, 20));
    requireKnown("option", options, [...OTHERS, ...Object.keys(DEFAULTS)]);
    requireKnown("option of eventLoop", options.eventLoop ?? {}, Object.keys(LOOP_DEFAULTS));
    requireRange("minInFlight", minInFlight, 1, 1_000_000);
    requireRange("maxInFlight", maxInFlight, minInFlight, 1_000_000);
    requireRange("initialInFlight", this.limit, minInFlight, maxInFlight);
    requireRange("maxStreams", maxStreams, 0, 1_000_000);
    requireRange("maxHeapShare", maxHeapShare, 0.1, 1);
    requireRange("sampleMs", sampleMs, 10, 60_000);
    requireRange("eventLoop.maxDelayMs", this.#loop.maxDelayMs, 1, 60_000);
    requireRange("eventLoop.maxUtilization", this.#loop.maxUtilization, 0.1, 1);
    if (options.eventLoop !== undefined && minInFlight === maxInFlight && maxStreams === 0) {
      throw new TypeError(
        "Cannot build loadShed: eventLoop has no effect, minInFlight must be below maxInFlight with it",
      );
    }
    this.#sampledAt = this.#env.clock.now();
  }

  /** Lets the call in, or says why not. */
  admit(arrival: Arrival): Permit | ShedCause {
    const { stream, priority, retry } = arrival;
    const now = this.#env.clock.now();
    if (now - this.#sampledAt >= this.#options.sampleMs) this.#sample(now);
    if (this.#signals.heapUsedShare >= this.#options.maxHeapShare && priority !== "critical") return "heap";
    const share = CEILING[priority] * (retry ? RETRY_CEILING : 1);
    return stream ? this.#admitStream(priority, share) : this.#admitUnary(arrival, share, now);
  }

  #admitStream(priority: Priority, share: number): Permit | ShedCause {
    if (this.#streams >= this.#options.maxStreams * share) return "streams";
    // A stream that opens now would slow down all the others for long.
    if (this.#overloaded() && priority !== "critical") return "in_flight";
    this.#streams += 1;
    return once(() => void (this.#streams -= 1));
  }

  #admitUnary({ path, priority, retry, deadline }: Arrival, share: number, now: number): Permit | ShedCause {
    const { random, clock } = this.#env;
    const { critical, default: usual, sheddable } = this.#inFlight;
    const total = critical + usual + sheddable + 1;
    const time = this.#timeOf(path);
    if (deadline - now < time.estimateMs(total) && random() >= TRIAL_SHARE) return "doomed";

    const guaranteed = !retry && this.#inFlight[priority] + 1 <= this.limit * GUARANTEED[priority];
    const rank = 2 * PRIORITIES.indexOf(priority) + (retry ? 1 : 0);
    if (!guaranteed && total > Math.max(1, this.limit * share)) {
      this.#refusedAt[rank] = now;
      return "in_flight";
    }
    const above = this.#refusedAt.slice(0, rank).some((at) => now - at < PRESSURE_MS);
    if (above && !guaranteed && random() >= GUARANTEED[priority]) return "priority";
    this.#inFlight[priority] += 1;
    this.#peak = Math.max(this.#peak, total);
    return once((end) => {
      time.add(clock.now() - now, total, end);
      this.#leave(priority);
    });
  }

  /**
   * Its room is free at the end of this turn. A call that needs the processor only has ended before the next socket is
   * read: counted out at once, each connection would get the whole limit in every turn.
   */
  #leave(priority: Priority): void {
    if (this.#ended.push(priority) > 1) return;
    this.#env.endOfTurn(() => {
      for (const each of this.#ended) this.#inFlight[each] -= 1;
      this.#ended = [];
    });
  }

  #timeOf(path: string): ServiceTime {
    let time = this.#times.get(path);
    if (time === undefined) this.#times.set(path, (time = new ServiceTime()));
    return time;
  }

  #overloaded(): boolean {
    const { eventLoopDelayP99Ms, utilization } = this.#signals;
    return eventLoopDelayP99Ms > this.#loop.maxDelayMs && utilization >= this.#loop.maxUtilization;
  }

  /**
   * Shrinks the limit in proportion while turns come late, grows it while it is in use and the loop has time to spare. A
   * busy loop with short turns is where it should be: more calls at once would only wait for each other.
   */
  #sample(now: number): void {
    this.#sampledAt = now;
    const { maxInFlight, minInFlight, probe, observe } = this.#options;
    this.#signals = probe();
    const before = this.limit;
    if (this.#overloaded()) {
      this.limit *= Math.max(0.5, this.#loop.maxDelayMs / this.#signals.eventLoopDelayP99Ms);
    } else if (this.#signals.utilization < this.#loop.maxUtilization && this.#peak >= this.limit / 2) {
      this.limit = this.limit * 1.2 + 0.2;
    }
    this.limit = Math.min(maxInFlight, Math.max(minInFlight, this.limit));
    this.#peak = 0;
    if (this.limit !== before) observe?.({ kind: "limit", limit: this.limit, signals: this.#signals });
  }
}

function once(give: (end: "done" | "cut") => void): Permit {
  let held = true;
  return {
    release(end) {
      if (held) give(end);
      held = false;
    },
  };
}

const noSignals = (): LoadSignals => ({ eventLoopDelayP99Ms: 0, utilization: 0, heapUsedShare: 0 });

function requireKnown(kind: string, given: object, names: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`Cannot build loadShed: there is no ${kind} "${unknown}"`);
}

function requireRange(name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return;
  throw new RangeError(`Cannot build loadShed: ${name} must be ${min} to ${max}, is ${value}`);
}
