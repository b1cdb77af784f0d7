import { setTimeout as wait } from "node:timers/promises";
import type { ServerOptions } from "@grpc/grpc-js";
import { AdminServiceDefinition } from "@holdfast/contracts/ecommerce/admin/v1/admin_service";
import { HealthDefinition } from "@holdfast/contracts/grpc/health/v1/health";
import { ServerReflectionDefinition } from "@holdfast/contracts/grpc/reflection/v1/reflection";
import { ServerReflectionDefinition as ServerReflectionAlphaDefinition } from "@holdfast/contracts/grpc/reflection/v1alpha/reflection";
import { systemClock } from "@holdfast/interceptors/context";
import { drainGate } from "@holdfast/interceptors/server/drain";
import type { Logger } from "@holdfast/process";
import { type CompatServiceDefinition, createServer, type ServiceImplementation } from "nice-grpc";
import { buildServerChain } from "../chain/build-server-chain.ts";
import { checkOptions, checkWhole, type Known } from "../chain/check-options.ts";
import { leastChain } from "../chain/least-chain.ts";
import type { ServerPart } from "../chain/server-part.ts";
import type { ServiceDefinition } from "../service-definition.ts";
import { adminHandlers, type ListTargets } from "./admin.ts";
import { checkedDefinition } from "./checked-definition.ts";
import { type HandlerContext, handlerMiddleware } from "./handler-middleware.ts";
import { HealthRegistry, healthHandlers } from "./health.ts";
import { reflectionHandlers } from "./reflection.ts";
import { servedMethods } from "./served-methods.ts";
import { explainUnknownMethods } from "./unknown-method.ts";

/** The handlers of a service: for each method, from request and context to response, or to an async iterable of them. */
export type Handlers<Definition extends CompatServiceDefinition> = ServiceImplementation<Definition, HandlerContext>;

export interface ServeOptions {
  /** `host:port`; port 0 takes any free one. */
  listen: string;
  log: Logger;
  /** The interceptors of the server, the one nearest to the wire first. @default those that no server goes without */
  chain?: readonly ServerPart[];
  /** What this instance calls, for `ecommerce.admin.v1`. @default nothing */
  targets?: ListTargets;
  /** Longest request that is accepted. Unit: bytes. @default 1_048_576 */
  maxRequestBytes?: number;
  /** Calls at the same time on one connection; what is more waits at the client. @default 100 */
  maxConcurrentStreams?: number;
  /**
   * How old a connection gets, ±10 %: a client that looks for instances only when a connection ends finds the new ones then.
   * What is under way keeps the old one to its end, which its deadline sets: no grace cuts it. A call that was on its way when
   * the connection ended comes back refused; clients send it again by themselves, grpc-js once. One that meets the ends of two
   * connections is lost: at minutes next to never, at half a second and under load up to one in thirty. 0: any age.
   * Unit: milliseconds. @default 900_000
   */
  maxConnectionAgeMs?: number;
}
const OPTIONS: Known<ServeOptions> = {
  listen: true,
  log: true,
  chain: true,
  targets: true,
  maxRequestBytes: true,
  maxConcurrentStreams: true,
  maxConnectionAgeMs: true,
};

/** A server that is listening. */
export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /** Answers NOT_SERVING until it is set. */
  readonly health: HealthRegistry;
  /**
   * NOT_SERVING at once; streams end with UNAVAILABLE, DRAINING; calls under way may finish for `graceMs`, then are cut.
   */
  drain(options: { graceMs: number }): Promise<void>;
}

/**
 * Serves one service, with `grpc.health.v1`, server reflection and `ecommerce.admin.v1` beside it.
 *
 * @throws {ChainError} For options that would have no effect.
 * @throws {Error} If the port is taken.
 */
export async function serve<Definition extends ServiceDefinition & CompatServiceDefinition>(
  definition: Definition,
  handlers: Handlers<Definition>,
  options: ServeOptions,
): Promise<RunningServer> {
  checkOptions("serve", options, OPTIONS);
  const { targets = () => [], maxRequestBytes = 1_048_576, maxConcurrentStreams = 100 } = options;
  const { maxConnectionAgeMs = 900_000 } = options;
  checkWhole("maxRequestBytes", maxRequestBytes, 1, 2 ** 32 - 1);
  checkWhole("maxConcurrentStreams", maxConcurrentStreams, 1, 2 ** 31 - 1);
  checkWhole("maxConnectionAgeMs", maxConnectionAgeMs, 0, 86_400_000);
  const own = [definition, AdminServiceDefinition];
  const definitions = [...own, HealthDefinition, ServerReflectionDefinition, ServerReflectionAlphaDefinition];
  const health = new HealthRegistry([definition.fullName]);
  const reflection = reflectionHandlers(definitions.map(({ fullName }) => fullName));

  const served = new Set(definitions.flatMap(pathsOf));
  const gate = drainGate();
  using opened = new DisposableStack();
  const interceptors = buildServerChain(options.chain ?? leastChain(), {
    ...servedMethods(...own),
    served,
    log: options.log,
    gate,
    clock: systemClock,
    random: Math.random,
    onClose: (resource) => opened.use(resource),
  });

  // The library's type names grpc-js' channel options only; it hands everything on to grpc-js' server.
  const serverOptions: ServerOptions = {
    "grpc.max_receive_message_length": maxRequestBytes,
    "grpc.max_concurrent_streams": maxConcurrentStreams,
    ...(maxConnectionAgeMs > 0 && { "grpc.max_connection_age_ms": maxConnectionAgeMs }),
    "grpc.enable_channelz": 0,
    interceptors,
  };
  const server = createServer(serverOptions).use(handlerMiddleware(options.log));
  server.add(checkedDefinition(definition) as CompatServiceDefinition, handlers);
  server.add(checkedDefinition(AdminServiceDefinition), adminHandlers(targets));
  server.add(HealthDefinition, healthHandlers(health));
  server.add(ServerReflectionDefinition, reflection);
  server.add(ServerReflectionAlphaDefinition, reflection);
  explainUnknownMethods(served);
  const port = await server.listen(options.listen);
  const closing = opened.move(); // from here on it is `drain` that closes them

  const drain = async ({ graceMs }: { graceMs: number }) => {
    health.drain();
    void gate.drain();
    const idle = server.shutdown().finally(() => closing.dispose());
    if (await settlesWithin(idle, graceMs)) return;
    // grpc-js' own forceShutdown cuts nothing while channelz is off: it looks for connections in channelz' list only.
    // What a stalled reader holds open after this ends with the process.
    gate.cut();
    if (!(await settlesWithin(idle, CUT_MS))) server.forceShutdown();
  };
  return { port, health, drain, [Symbol.asyncDispose]: () => drain({ graceMs: 0 }) };
}

function pathsOf({ fullName, methods }: ServiceDefinition): string[] {
  return Object.values(methods).map(({ name }) => `/${fullName}/${name}`);
}

/** How long the last statuses may take to reach their clients. Unit: milliseconds. */
const CUT_MS = 250;

async function settlesWithin(work: Promise<void>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  const late = wait(ms, false, { signal: timer.signal }).catch(() => false);
  const settled = await Promise.race([work.then(() => true), late]);
  timer.abort();
  return settled;
}
