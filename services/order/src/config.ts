import { ConfigError, drainProblems, readConfig as read } from "@holdfast/process";
import { nestingProblems, parseK8sTarget, parseServers, scopeOf } from "@holdfast/rpc";
import { z } from "zod";

const ORDERS = "/ecommerce.order.v1.OrderService";
const PRODUCTS = "/ecommerce.product.v1.ProductService";
const PAYMENTS = "/ecommerce.payment.v1.PaymentService";

/** A text that `parse` understands: what it throws is the problem. */
function textFor(parse: (text: string) => unknown) {
  return z.string().superRefine((text, context) => {
    try {
      parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
    }
  });
}

/** Every environment variable of the service. Read once, in main.ts. */
export const Config = z.object({
  /** `postgresql://role:password@host:port/database`. No default: a wrong one would fill somebody else's tables. */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** `host:port` to serve on; port 0 takes any free one. */
  LISTEN: z.string().default("127.0.0.1:50053"),
  /** Name of the product service, such as k8s:///product-service.products:grpc. No default: it would sell others' stock. */
  PRODUCT_TARGET: textFor(parseK8sTarget),
  /** Name of the payment service, such as k8s:///payment-service.payments:grpc. No default: it would charge the wrong place. */
  PAYMENT_TARGET: textFor(parseK8sTarget),
  /** DNS servers that know the names of services: `ip` or `ip:port`, with commas between. Empty: the system's. */
  CLUSTER_DNS: textFor(parseServers).default(""),
  /** What all names of the cluster end in. */
  CLUSTER_DOMAIN: textFor((domain) => scopeOf({ domain })).default("cluster.local"),
  /** Where a short name such as `payment-service` is looked for. */
  POD_NAMESPACE: textFor((namespace) => scopeOf({ namespace })).default("default"),
  /** Time between two looks at the names, ± 20 %; a shorter TTL of their records counts. Unit: milliseconds. */
  RESOLVE_INTERVAL_MS: z.coerce.number().int().min(100).max(600_000).default(10_000),
  /** Longest time between a signal and the end of the process. Unit: milliseconds. Ctrl-C promises 5 s. */
  DRAIN_MS: z.coerce.number().int().positive().default(4_000),
  /**
   * Of that, how long it takes calls while those who find it by name only learn that it goes. Who watches its health needs
   * none; give it the interval at which others resolve. At most a half of DRAIN_MS. Unit: milliseconds.
   */
  DRAIN_RESOLVERS_MS: z.coerce.number().int().min(0).default(0),
  /** What load shedding's limit of unary calls never falls below: the database queues a few, and none waits long. */
  MIN_IN_FLIGHT: z.coerce.number().int().positive().max(1_000).default(100),
  /** Faults to inject, as a JSON list; see packages/interceptors/src/server/fault.ts. Empty: none, and none can be switched on. */
  FAULTS: z.string().default(""),
  /** Least level that is logged. */
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  /** Connections to the database at most, for calls. The saga worker has up to 8 of its own, the streams 3. */
  DATABASE_CONNECTIONS: z.coerce.number().int().positive().default(10),
  /** Longest time to price an order in. Unit: milliseconds. */
  PRICING_TIMEOUT_MS: z.coerce.number().int().positive().default(2_000),
  /** Longest time for one attempt at it; three are made, if there is time. Unit: milliseconds. */
  PRICING_ATTEMPT_MS: z.coerce.number().int().positive().default(800),
  /** Limit of calls to one other service under way at once; critical ones, as all of ours are, get 90 % of it. */
  MAX_CALLS_OUT: z.coerce.number().int().positive().default(100),
  /** Longest time for one call of the saga. Unit: milliseconds. */
  STEP_TIMEOUT_MS: z.coerce.number().int().positive().default(5_000),
  /** How long an order belongs to the worker that moves it on; longer than a call. Unit: milliseconds. */
  LEASE_MS: z.coerce.number().int().positive().default(10_000),
  /** Age at which an order that is not paid is cancelled. Unit: milliseconds. */
  ORDER_EXPIRES_MS: z.coerce.number().int().positive().default(3_600_000),
  /** Orders that this instance moves on at the same time. */
  SAGA_CONCURRENCY: z.coerce.number().int().positive().default(16),
  /** How long answers are kept under their idempotency keys; callers rely on 24. At most a year. Unit: hours. */
  IDEMPOTENCY_KEEP_HOURS: z.coerce.number().int().min(24).max(8_760).default(48),
  /** Time between two prunings of idempotency keys. Unit: milliseconds. */
  PRUNE_INTERVAL_MS: z.coerce.number().int().positive().default(600_000),
  /** A stream that has told nothing for so long sends a heartbeat. Unit: milliseconds. */
  HEARTBEAT_MS: z.coerce.number().int().positive().default(15_000),
  /** A stream reads its log this often, ± 20 %, even if the database did not tell it of news. Unit: milliseconds. */
  STREAM_POLL_MS: z.coerce.number().int().positive().default(5_000),
});
export type Config = Readonly<z.infer<typeof Config>>;

/** @throws {ConfigError} With all problems at once. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const config = read(Config, env);
  const nesting = nestingProblems([
    { name: "PRICING_TIMEOUT_MS", ms: config.PRICING_TIMEOUT_MS, within: `${ORDERS}/CreateOrder` },
    { name: "PRICING_TIMEOUT_MS", ms: config.PRICING_TIMEOUT_MS, within: `${PRODUCTS}/BatchGetProducts`, marginMs: 1 },
    {
      name: "PRICING_ATTEMPT_MS",
      ms: config.PRICING_ATTEMPT_MS,
      within: { name: "PRICING_TIMEOUT_MS", ms: config.PRICING_TIMEOUT_MS },
      marginMs: 50,
    },
    { name: "STEP_TIMEOUT_MS", ms: config.STEP_TIMEOUT_MS, within: `${PAYMENTS}/Charge`, marginMs: 0 },
    { name: "STEP_TIMEOUT_MS", ms: config.STEP_TIMEOUT_MS, within: `${PRODUCTS}/ReserveStock`, marginMs: 0 },
    { name: "STEP_TIMEOUT_MS", ms: config.STEP_TIMEOUT_MS, within: { name: "LEASE_MS", ms: config.LEASE_MS } },
  ]);
  const problems = [...nesting, ...drainProblems(config)];
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}
