import { credentials } from "@grpc/grpc-js";
import { Breakers, breaker } from "./interceptors/client/breaker.ts";
import { deadline } from "./interceptors/client/deadline.ts";
import { errors } from "./interceptors/client/errors.ts";
import { retry, retryChannelOptions } from "./interceptors/client/retry.ts";
import { RetryBudget } from "./interceptors/client/retry-budget.ts";
import { Inventory } from "./inventory.js";

/** What the proto says of a method, which grpc-js does not tell its interceptors. proto-loader has its own word for nothing. */
const levels = new Map(Object.values(Inventory.service).map(({ path, options }) => [path, options.idempotency_level]));
const methods = (path) => {
  const level = levels.get(path) ?? "IDEMPOTENCY_UNKNOWN";
  return { idempotency: level === "IDEMPOTENCY_UNKNOWN" ? "UNKNOWN" : level };
};

/** A client of the stock service. `observe` hears of retries and of the breaker. */
export function connect(target, { observe } = {}) {
  const interceptors = [
    errors(),
    deadline({ methods, defaultMs: 5_000 }),
    retry({ methods, budget: new RetryBudget(), observe }),
    breaker({ target, breakers: new Breakers({ openMs: 1_000, observe }) }),
  ];
  return new Inventory(target, credentials.createInsecure(), {
    interceptors,
    ...retryChannelOptions,
    // A server that is back is found soon: the library's own pause begins with 1 s and grows to two minutes.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
  });
}
