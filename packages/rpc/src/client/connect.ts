import { type Client, type CompatServiceDefinition, createChannel, createClientFactory } from "nice-grpc";
import type { ServiceDefinition } from "../service-definition.ts";
import { type CallExtension, callMiddleware } from "./call-middleware.ts";
import { deadlineChannel } from "./deadline-channel.ts";

export interface ConnectOptions<Method extends string = string> {
  /** The longest that a call may take; an inherited deadline shortens it. Unit: milliseconds. */
  timeoutMs: number;
  /** The same for single methods, by their name in the generated client. @default {} */
  methodTimeoutsMs?: Partial<Record<Method, number>>;
  /**
   * Longest response that is accepted: 1,000 products with long descriptions pass the library's 4 MiB. Unit: bytes.
   * @default 16_777_216
   */
  maxResponseBytes?: number;
}

/** A client of one service. Disposing it closes its connections. */
export type Connected<Definition extends CompatServiceDefinition> = Client<Definition, CallExtension> & Disposable;

/**
 * Connects to a service when the first call is made. Every call has a deadline on the wire, ends with the call on whose
 * behalf it is made, and fails with RemoteError.
 */
export function connect<Definition extends ServiceDefinition & CompatServiceDefinition>(
  definition: Definition,
  target: string,
  options: ConnectOptions<keyof Definition["methods"] & string>,
): Connected<Definition> {
  const channel = createChannel(target, undefined, {
    // A service that is back is found within a second. The library's own pause grows to two minutes.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    "grpc.min_reconnect_backoff_ms": 1_000,
    // A TXT record must not be able to add a second retry policy.
    "grpc.service_config_disable_resolution": 1,
    // Without pings a peer that is gone without a word keeps its calls until their deadlines. Source: gRFC A8.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": options.maxResponseBytes ?? 16_777_216,
  });
  const timeouts = new Map(
    Object.entries(definition.methods).map(([key, { name }]) => [
      `/${definition.fullName}/${name}`,
      options.methodTimeoutsMs?.[key as keyof Definition["methods"] & string] ?? options.timeoutMs,
    ]),
  );
  const timeoutMsOf = (path: string) => timeouts.get(path) ?? options.timeoutMs;
  const client = createClientFactory()
    .use(callMiddleware({ timeoutMsOf }))
    .create(definition, deadlineChannel(channel));
  return Object.assign(client, { [Symbol.dispose]: () => channel.close() });
}
