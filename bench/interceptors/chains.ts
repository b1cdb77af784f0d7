/**
 * The interceptors that bench/interceptors measures, each as it would be used, and all of them together. A line here is a row
 * of its tables.
 */
import { InterceptingCall, type Interceptor, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import { methods as policies } from "@holdfast/contracts/methods";
import { attemptTimeout } from "@holdfast/interceptors/client/attempt-timeout";
import { auth } from "@holdfast/interceptors/client/auth";
import { breaker } from "@holdfast/interceptors/client/breaker";
import { concurrencyLimit, Gradient2Limit } from "@holdfast/interceptors/client/concurrency-limit";
import { context } from "@holdfast/interceptors/client/context";
import { deadline } from "@holdfast/interceptors/client/deadline";
import { errors } from "@holdfast/interceptors/client/errors";
import { hedging } from "@holdfast/interceptors/client/hedging";
import { idempotencyKey } from "@holdfast/interceptors/client/idempotency-key";
import { retry } from "@holdfast/interceptors/client/retry";
import { sharedBudget } from "@holdfast/interceptors/client/retry-budget";
import { attemptTelemetry, callTelemetry } from "@holdfast/interceptors/client/telemetry";
import { context as serverContext } from "@holdfast/interceptors/server/context";
import { deadline as serverDeadline } from "@holdfast/interceptors/server/deadline";
import { guard, guarded } from "@holdfast/interceptors/server/guard";
import { authenticate } from "@holdfast/interceptors/server/auth";
import { authorize } from "@holdfast/interceptors/server/authorize";
import { fault } from "@holdfast/interceptors/server/fault";
import { idempotency } from "@holdfast/interceptors/server/idempotency";
import type { IdempotencyStore } from "@holdfast/interceptors/server/idempotency";
import { loadShed } from "@holdfast/interceptors/server/load-shed";
import { rateLimit } from "@holdfast/interceptors/server/rate-limit";
import { validation } from "@holdfast/interceptors/server/validation";
import { telemetry as serverTelemetry } from "@holdfast/interceptors/server/telemetry";
import { drainGate } from "@holdfast/interceptors/server/drain";
import { statusGuard } from "@holdfast/interceptors/server/status-guard";

/** The client's target, as far as it matters here. */
const target = "bench";

/** What the contract says of a method, in the terms of the interceptors. No chain here hedges. */
function methods(path: string) {
  const policy = policies[path];
  return policy && { ...policy, retry: policy.retry === "unavailable", hedge: false };
}

/** Takes what it gets and does nothing with it: what a backend costs is its own affair. */
const telemetry = { span: () => undefined, count: () => undefined, record: () => undefined, log: () => undefined };

/** Those of a client, outermost first. Each is made once for a channel. */
const CLIENT_INTERCEPTORS: Readonly<Record<string, () => Interceptor>> = {
  context: () => context({ methods, trusted: true }),
  "call-telemetry": () => callTelemetry({ telemetry, methods, target }),
  errors: () => errors(),
  deadline: () => deadline({ methods, defaultMs: 5_000 }),
  "idempotency-key": () => idempotencyKey({ methods }),
  retry: () => retry({ methods, budget: sharedBudget(target) }),
  // Instead of retry: one of the two makes the attempts. No call here is slow enough for a second one.
  hedging: () => hedging({ methods: (path) => policies[path], budget: sharedBudget(target), delayMs: 4_000 }),
  breaker: () => breaker({ target }),
  // These two refuse nothing here.
  "concurrency-limit": () => concurrencyLimit({ methods, limit: new Gradient2Limit({ min: 200, max: 400 }) }),
  "attempt-timeout": () => attemptTimeout({ methods, timeoutMs: 4_500 }),
  auth: () => auth({ token: async () => ({ value: "eyJhbGciOiJFZERTQSJ9".repeat(12) }) }),
  "attempt-telemetry": () => attemptTelemetry({ telemetry, methods, target }),
};

/** Those of a server, nearest to the wire first. The guard is what stands around each row of them in a full chain. */
const SERVER_INTERCEPTORS: Readonly<Record<string, () => ServerInterceptor>> = {
  guard: () => guard((_method, call) => new ServerInterceptingCall(call, {})),
  "status-guard": () => statusGuard(),
  context: () => serverContext({ methods }),
  telemetry: () => serverTelemetry({ telemetry, methods }),
  drain: () => drainGate().interceptor,
  deadline: () => serverDeadline({ methods }),
  // As much as a process can do is overload: here it decides, and lets everything in.
  "load-shed": () => loadShed({ methods, minInFlight: 1_000, maxInFlight: 1_000 }),
  fault: () => fault({ allowed: true, enabled: () => false, faults: [] }),
  // What it costs to verify a token is the hook's affair.
  auth: () => authenticate({ verify: () => ({ id: "bench", roles: ["reader"] }) }),
  authorize: () => authorize({ paths: Object.keys(policies), rules }),
  "rate-limit": () => rateLimit({ callsPerSecond: 1_000_000 }),
  // The rules of the contract are the hook's affair, too.
  validation: () => validation({ check: () => undefined }),
  // GetProduct takes no key.
  idempotency: () => idempotency({ store: noStore, methods }),
};

/** What the caller has to be. */
const rules = Object.fromEntries(Object.keys(policies).map((path) => [path, { roles: ["reader"] }]));

const noStore: IdempotencyStore = {
  begin: () => Promise.reject(new Error("No call here has a key")),
  finish: () => Promise.reject(new Error("No call here has a key")),
  abandon: () => Promise.reject(new Error("No call here has a key")),
};

/** The names of all, by side. */
export const INTERCEPTOR_NAMES = {
  client: Object.keys(CLIENT_INTERCEPTORS),
  server: Object.keys(SERVER_INTERCEPTORS),
};

/** None, but in processes of their own: how much two measurements of the same thing differ. */
export const NOTHING = "nothing";
/** One that does nothing: what a layer costs in grpc-js itself. */
export const EMPTY = "empty";
/** All of them but hedging, in whose place retry stands; of a server, behind guards. */
export const FULL = "full";

/** Chains of a server that let nobody in without a token: their clients have `auth`. */
export const WANT_TOKEN: ReadonlySet<string> = new Set(["auth", "authorize", FULL]);

/** @param name One of them, {@link NOTHING}, {@link EMPTY} or {@link FULL}; undefined for none at all. */
export function clientChain(name: string | undefined): Interceptor[] {
  if (name === EMPTY) return [(options, nextCall) => new InterceptingCall(nextCall(options), {})];
  return chosen(CLIENT_INTERCEPTORS, name);
}

/** The same for a server. */
export function serverChain(name: string | undefined): ServerInterceptor[] {
  if (name === EMPTY) return [(_method, call) => new ServerInterceptingCall(call, {})];
  // Who may do what is asked of a caller who is known.
  if (name === "authorize") return [...serverChain("auth"), ...chosen(SERVER_INTERCEPTORS, name)];
  if (name !== FULL) return chosen(SERVER_INTERCEPTORS, name);
  const rows = SERVER_ROWS.map((names) => names.flatMap((each) => chosen(SERVER_INTERCEPTORS, each)));
  return [...chosen(SERVER_INTERCEPTORS, "status-guard"), ...guarded(rows)];
}

/** Each with one guard around it, as packages/rpc has them. */
const SERVER_ROWS = [
  ["context", "telemetry"],
  ["drain", "deadline", "load-shed"],
  ["fault"],
  ["auth"],
  ["authorize", "rate-limit", "validation", "idempotency"],
];

function chosen<Each>(all: Readonly<Record<string, () => Each>>, name: string | undefined): Each[] {
  if (name === undefined || name === NOTHING) return [];
  if (name === FULL) {
    const together = Object.entries(all).filter(([each]) => each !== "hedging");
    return together.map(([, make]) => make());
  }
  const make = all[name];
  if (make === undefined) throw new Error(`There is no interceptor "${name}"`);
  return [make()];
}
