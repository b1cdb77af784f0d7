// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/connection.ts
 * Place:   one attempt after the other to be connected to one endpoint; owned by policy/endpoint.ts.
 * Does:    keeps one of the endpoint's addresses connected, reconnects soon, and says when an attempt takes too long.
 * Doesn't: choose, or know health. An attempt that was stuck before HTTP/2 began (no SYN-ACK, no TLS) leaves its socket to
 *          the system.
 * With:    clock.ts
 * Source:  grpc-js' LeafLoadBalancer; its missing connect timeout: grpc-node issue 2785.
 */
import { type ChannelOptions, connectivityState, experimental, Metadata } from "@grpc/grpc-js";
import type { Clock, Timer } from "../clock.ts";

export interface ConnectionContext {
  helper: experimental.ChannelControlHelper;
  options: ChannelOptions;
  note: string;
  clock: Clock;
  connectTimeoutMs: number;
}

export interface ConnectionEvents {
  /** `state` or `error` has changed. */
  onState: () => void;
  /** An attempt takes longer than it may: nothing will come of this connection. */
  onStuck: () => void;
}

/** Unless the channel's options say otherwise: grpc-js' own, 1 s to 2 min, leave a healed host out for minutes. */
const BACKOFF = { "grpc.initial_reconnect_backoff_ms": 200, "grpc.max_reconnect_backoff_ms": 3_000 };
/** Up for as long as this, a connection that is lost is made anew at once. Unit: milliseconds. */
const STEADY_MS = 1_000;
/** Makes a subchannel of its own: the pool hands out the stuck one otherwise. */
const ATTEMPT = "holdfast.attempt";
let attempts = 0;

const NO_ARGS: experimental.PickArgs = { metadata: new Metadata(), extraPickInfo: {} };

export class Connection {
  readonly #leaf: experimental.LeafLoadBalancer;
  readonly #events: ConnectionEvents;
  readonly #context: ConnectionContext;
  readonly #fresh: boolean;
  readonly #watched = new Map<experimental.SubchannelInterface, Timer | undefined>();
  #closed = false;
  #upSince = 0;
  #backoffMs = 0;
  /** The one before was lost soon after it came up. */
  #wasShort = false;
  #reconnect: Timer | undefined;
  state: connectivityState = connectivityState.IDLE;
  /** Why it is not connected. */
  error: string | undefined;
  /** It was lost soon after it was made, and the next attempt waits. */
  pausing = false;

  /** `fresh`: not over a connection, or attempt, that others may be using. */
  constructor(endpoint: experimental.Endpoint, fresh: boolean, context: ConnectionContext, events: ConnectionEvents) {
    this.#context = context;
    this.#events = events;
    this.#fresh = fresh;
    const own: ChannelOptions = fresh ? { [ATTEMPT]: ++attempts } : {};
    const helper = experimental.createChildChannelControlHelper(context.helper, {
      createSubchannel: (address, args) => {
        const subchannel = context.helper.createSubchannel(address, { ...BACKOFF, ...args, ...own });
        this.#watch(subchannel);
        return subchannel;
      },
      updateState: (state, _picker, error) => this.#changed(state, error),
    });
    this.#leaf = new experimental.LeafLoadBalancer(endpoint, helper, context.options, context.note);
  }

  start(): void {
    this.#leaf.startConnecting();
  }

  /** What a call is to be made on. Undefined unless READY. */
  get subchannel(): experimental.SubchannelInterface | undefined {
    if (this.state !== connectivityState.READY) return undefined;
    return this.#leaf.getPicker().pick(NO_ARGS).subchannel ?? undefined;
  }

  close(): void {
    this.#closed = true;
    this.#reconnect?.cancel();
    for (const subchannel of this.#watched.keys()) {
      if (subchannel.getConnectivityState() === connectivityState.CONNECTING) abandon(subchannel);
      // Nobody else can have it, and grpc-js' pool would keep it for ten seconds more.
      else if (this.#fresh) shutDown(subchannel);
    }
    this.#unwatch();
    this.#leaf.destroy();
  }

  #changed(state: connectivityState, error: string | null): void {
    if (this.#closed) return;
    const wasReady = this.state === connectivityState.READY;
    this.state = state;
    if (state === connectivityState.READY && !wasReady) this.#upSince = this.#context.clock.now();
    if (error !== null) this.error = error;
    const lost = state === connectivityState.IDLE;
    if (lost) this.#lost();
    else this.pausing = false;
    this.#events.onState();
    // A leaf does not reconnect by itself.
    if (lost && !this.#closed) this.#reconnectLater();
  }

  /** grpc-js backs off from attempts that fail only: a peer that accepts and hangs up would be called 500 times a second. */
  #lost(): void {
    // A leaf has none now, and the pool may hand out another one next time.
    this.#unwatch();
    const { clock, options } = this.#context;
    const { "grpc.initial_reconnect_backoff_ms": first, "grpc.max_reconnect_backoff_ms": most } = {
      ...BACKOFF,
      ...options,
    };
    const upMs = clock.now() - this.#upSince;
    const isShort = upMs < STEADY_MS;
    // The first one may have been bad luck; what calls it had are waiting.
    this.pausing = isShort && this.#wasShort;
    this.#wasShort = isShort;
    this.#backoffMs = this.pausing ? Math.min(most, Math.max(first, 2 * this.#backoffMs)) : 0;
    if (this.pausing) this.error = `lost ${Math.round(upMs)} ms after it was up, next attempt in ${this.#backoffMs} ms`;
  }

  #reconnectLater(): void {
    this.#reconnect?.cancel();
    if (this.pausing) this.#reconnect = this.#context.clock.setTimeout(() => this.#leaf.exitIdle(), this.#backoffMs);
    else this.#leaf.exitIdle();
  }

  #watch(subchannel: experimental.SubchannelInterface): void {
    for (const known of this.#watched.keys()) if (known.realSubchannelEquals(subchannel)) return;
    this.#watched.set(subchannel, undefined);
    subchannel.addConnectivityStateListener(this.#listener);
    this.#time(subchannel, subchannel.getConnectivityState());
  }

  #unwatch(): void {
    for (const [subchannel, timer] of this.#watched) {
      timer?.cancel();
      subchannel.removeConnectivityStateListener(this.#listener);
    }
    this.#watched.clear();
  }

  readonly #listener: experimental.ConnectivityStateListener = (changed, _previous, state) => {
    for (const known of this.#watched.keys()) if (known.realSubchannelEquals(changed)) this.#time(known, state);
  };

  /** One timer per attempt, from when it begins. */
  #time(subchannel: experimental.SubchannelInterface, state: connectivityState): void {
    this.#watched.get(subchannel)?.cancel();
    const { clock, connectTimeoutMs } = this.#context;
    const timer =
      state === connectivityState.CONNECTING
        ? clock.setTimeout(() => this.#events.onStuck(), connectTimeoutMs)
        : undefined;
    this.#watched.set(subchannel, timer);
  }
}

/**
 * Closes the socket of an attempt that waits for the peer's SETTINGS. grpc-js has no way to ask for that: without it, or
 * should its fields be called something else one day, a peer that accepts and stays silent keeps one socket per attempt.
 */
function abandon(subchannel: experimental.SubchannelInterface): void {
  const connector: unknown = Reflect.get(subchannel.getRealSubchannel(), "connector");
  const session: unknown = connector instanceof Object ? Reflect.get(connector, "session") : undefined;
  const destroy: unknown = session instanceof Object ? Reflect.get(session, "destroy") : undefined;
  if (typeof destroy === "function") Reflect.apply(destroy, session, []);
}

/** Closes a connection once the calls on it have ended; should a field be called something else one day, the pool does so. */
function shutDown(subchannel: experimental.SubchannelInterface): void {
  const transport: unknown = Reflect.get(subchannel.getRealSubchannel(), "transport");
  const shutdown: unknown = transport instanceof Object ? Reflect.get(transport, "shutdown") : undefined;
  if (typeof shutdown === "function") Reflect.apply(shutdown, transport, []);
}
