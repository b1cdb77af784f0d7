import { AsyncLocalStorage } from "node:async_hooks";
import type { StatusObject } from "@grpc/grpc-js";
import {
  type CallOptions,
  ClientError,
  type ClientMiddlewareCall,
  createChannel,
  createClientFactory,
} from "nice-grpc";
import { GreeterDefinition } from "./gen/greeter.ts";
import { Breakers, type BreakerEvent, breaker } from "./interceptors/client/breaker.ts";
import { deadline } from "./interceptors/client/deadline.ts";
import { type ErrorDetails, errors } from "./interceptors/client/errors.ts";
import { type RetryEvent, retry, retryChannelOptions } from "./interceptors/client/retry.ts";
import { RetryBudget } from "./interceptors/client/retry-budget.ts";
import { interceptChannel, type Outgoing } from "./interceptors/rpc/intercept-channel.ts";

/** What nice-grpc has no option for. */
interface Extra {
  /** In milliseconds since the epoch. */
  deadline?: number;
  /** Waits for a connection instead of failing without one. @default false */
  waitForReady?: boolean;
}

/** The call that is being started: what nice-grpc does not hand on finds its way to the channel here. */
const current = new AsyncLocalStorage<Outgoing>();

/** What the proto says of each method, by path. */
const facts = new Map(
  Object.values(GreeterDefinition.methods).map(({ name, options, requestStream, responseStream }) => {
    const idempotency = "idempotencyLevel" in options ? options.idempotencyLevel : ("UNKNOWN" as const);
    return [`/${GreeterDefinition.fullName}/${name}`, { idempotency, requestStream, responseStream }];
  }),
);
const methods = (path: string) => facts.get(path);

/** A client of the greeter. `observe` hears of retries and of the breaker. */
export function connect(target: string, observe: (event: RetryEvent | BreakerEvent) => void = () => undefined) {
  const channel = createChannel(target, undefined, {
    ...retryChannelOptions,
    // A server that is back is found soon: the library's own pause begins with 1 s and grows to two minutes.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
  });
  const chain = [
    errors(),
    deadline({ methods: () => undefined, defaultMs: 5_000 }),
    retry({ methods, budget: new RetryBudget(), observe }),
    breaker({ target, breakers: new Breakers({ openMs: 1_000, observe }) }),
  ];
  const outgoing = (): Outgoing | undefined => current.getStore();
  const client = createClientFactory()
    .use<Extra>(withDetails)
    .create(GreeterDefinition, interceptChannel(channel, chain, { methods, outgoing }));
  return Object.assign(client, { close: () => channel.close() });
}

/** An error with what the server said of it. */
export type GreeterError = ClientError & Partial<ErrorDetails>;

async function* withDetails<Request, Response>(
  call: ClientMiddlewareCall<Request, Response>,
  { deadline, waitForReady = false, ...options }: CallOptions & Extra,
): AsyncGenerator<Awaited<Response>, Awaited<Response> | void, undefined> {
  let details: Partial<ErrorDetails> = {};
  const outgoing: Outgoing = {
    options: deadline === undefined ? {} : { deadline },
    waitForReady,
    // With what errors() has put there.
    onStatus: (result: StatusObject & Partial<ErrorDetails>) => {
      const { code: _, details: __, metadata: ___, ...rest } = result;
      details = rest;
    },
  };
  const responses = call.next(call.request as never, options);
  try {
    while (true) {
      const result = await current.run(outgoing, () => responses.next());
      if (result.done === true) return result.value;
      yield result.value;
    }
  } catch (error) {
    throw error instanceof ClientError ? Object.assign(error, details) : error;
  } finally {
    await responses.return(undefined as never);
  }
}
