import type { Discovery } from "@holdfast/discovery/discovery";
import { POLICY_DEFAULTS } from "@holdfast/discovery/policy/policy-config";
import { attemptRouting } from "@holdfast/interceptors/client/attempt-routing";
import { sharedBudget } from "@holdfast/interceptors/client/retry-budget";
import { systemClock } from "@holdfast/interceptors/context";
import { type Client, type CompatServiceDefinition, createChannel, createClientFactory } from "nice-grpc";
import { buildClientChain } from "../chain/build-client-chain.ts";
import { checkOptions, checkWhole, type Known } from "../chain/check-options.ts";
import { ChainError } from "../chain/chain-error.ts";
import * as client from "../chain/client.ts";
import type { ClientPart } from "../chain/client-part.ts";
import type { ServiceDefinition } from "../service-definition.ts";
import { serviceMethods } from "../service-methods.ts";
import { type CallExtension, callMiddleware } from "./call-middleware.ts";
import { CONNECT_TIMEOUT } from "./connect-timeout.ts";
import { interceptChannel } from "./intercept-channel.ts";
import { limitMethods } from "./limit-methods.ts";
import { outgoingCall } from "./outgoing-call.ts";

export interface ConnectOptions<Method extends string = string> {
  /** The interceptors of the client, the outermost first. @default context, errors, deadline: no retries, no breaker */
  chain?: readonly ClientPart[];
  /** Finds the instances of a `k8s:///` target and chooses among them. @default none: an address, or names of the system's DNS */
  discovery?: Discovery;
  /** The longest that a call may take, where the contract allows more. Unit: milliseconds. @default the contract's */
  timeoutMs?: number;
  /** The same for single methods, by their name in the generated client. @default {} */
  methodTimeoutsMs?: Partial<Record<Method, number>>;
  /**
   * Longest response that is accepted: 1,000 products with long descriptions pass the library's 4 MiB. −1: any.
   * Unit: bytes. @default 16_777_216
   */
  maxResponseBytes?: number;
}
/**
 * Without pings a peer that is gone without a word keeps its calls until their deadlines. Source: gRFC A8. With discovery the
 * policy asks about silence by itself: grpc-js' ping ends all calls of a connection that is being drained.
 */
const KEEPALIVE = { "grpc.keepalive_time_ms": 20_000, "grpc.keepalive_timeout_ms": 5_000 };

/**
 * Failures in a row, without a success between them, after half of which retrying stops. An instance that is killed fails all
 * calls that it has under way at once: with the kit's ten, the sixth of them would already be the customer's.
 */
const THROTTLE_TOKENS = 100;

const OPTIONS: Known<ConnectOptions> = {
  chain: true,
  discovery: true,
  timeoutMs: true,
  methodTimeoutsMs: true,
  maxResponseBytes: true,
};

/** A client of one service. Disposing it closes its connections. */
export type Connected<Definition extends CompatServiceDefinition> = Client<Definition, CallExtension> & Disposable;

/**
 * Connects to a service when the first call is made. Every call has a deadline on the wire, ends with the call on whose
 * behalf it is made, and fails with RemoteError.
 *
 * @throws {ChainError} For options that would have no effect.
 */
export function connect<Definition extends ServiceDefinition & CompatServiceDefinition>(
  definition: Definition,
  target: string,
  options: ConnectOptions<keyof Definition["methods"] & string> = {},
): Connected<Definition> {
  checkOptions("connect", options, OPTIONS);
  const { chain = [client.context(), client.errors(), client.deadline()], maxResponseBytes = 16_777_216 } = options;
  const { discovery } = options;
  if (target.startsWith("k8s:") && discovery === undefined) {
    throw new ChainError(`connect: the target ${target} needs the option discovery, which finds its instances`);
  }
  if (maxResponseBytes !== -1) checkWhole("maxResponseBytes, if it is not −1,", maxResponseBytes, 1, 2 ** 32 - 1);
  const { paths, facts } = serviceMethods(definition);
  const methods = limitMethods(facts, paths, options);
  const { connectTimeoutMs = POLICY_DEFAULTS.connectTimeoutMs } = discovery?.settings ?? {};
  // Before the policy is named: it has to be known by then.
  const found = discovery?.channelOptions(target);
  const child = discovery && { childPolicy: discovery.policy, childConfig: discovery.settings, childAvoids: true };
  const { attempts, channelOptions } = attemptRouting(child);
  const interceptors = buildClientChain(chain, {
    target,
    methods,
    paths,
    attempts,
    budget: sharedBudget(target, { maxTokens: THROTTLE_TOKENS }),
    clock: systemClock,
    random: Math.random,
  });
  const channel = createChannel(target, undefined, {
    ...found,
    // A retry goes to a host that the call has not tried; no TXT record can bring another policy.
    ...channelOptions,
    // A service that is back is found within a second. The library's own pause grows to two minutes.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    // Ends an attempt with its socket, which the policy cannot. One value for both, or only the shorter would ever act.
    [CONNECT_TIMEOUT]: connectTimeoutMs,
    // nice-grpc's limit for the same, which ends connections that have calls under way.
    "grpc.min_reconnect_backoff_ms": 0,
    ...(discovery === undefined && KEEPALIVE),
    // A proxy in the environment is for the way out; in front of it are our own services.
    "grpc.enable_http_proxy": 0,
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": maxResponseBytes,
  });
  discovery?.follow(channel);
  const outgoing = () => outgoingCall.getStore();
  const connected = createClientFactory()
    .use(callMiddleware)
    .create(definition, interceptChannel(channel, interceptors, { methods, outgoing }));
  return Object.assign(connected, { [Symbol.dispose]: () => channel.close() });
}
