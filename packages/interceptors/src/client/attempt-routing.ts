// SPDX-License-Identifier: MIT
/**
 * Copy:    client/attempt-routing.ts
 * Place:   beside the chain: `attempts` is an option of retry and of hedging, `channelOptions` are the channel's.
 * Does:    sends every attempt of a call to a host that the call has not tried, as long as there is one; tells where an
 *          attempt went, and whether it was sent at all.
 * Doesn't: choose among the hosts otherwise (the child policy does), wait for a host, or show anything on the wire.
 * With:    -
 * Source:  grpc-js' experimental load-balancer API; gRFC A6 "Transparent Retries" for what "not sent" allows.
 */
import { type ChannelOptions, connectivityState, experimental, type Metadata } from "@grpc/grpc-js";

/** Where one attempt went. */
export interface AttemptRoute {
  /** `address:port` of the host it was last given to. Undefined: none yet, or the channel does not use the policy. */
  readonly peer: string | undefined;
  /** Whether a stream was opened for it. False is certain; undefined: the balancer never saw it. */
  readonly sent: boolean | undefined;
}

/** The attempts of one call. */
export interface CallRoute {
  /** Marks the metadata of a new attempt, so that the balancer knows which call it belongs to. */
  mark(metadata: Metadata): AttemptRoute;
  /** Whether a next attempt would be given to a host that has had none of this call. False when the balancer is not known. */
  hasUntried(): boolean;
  /** The call is over. */
  end(): void;
}

/** What retry and hedging take as `attempts`. */
export interface AttemptRecorder {
  begin(): CallRoute;
}

/** The name of the policy in a service config. */
const POLICY = "holdfast_attempts";

/**
 * An opaque value of Metadata does not survive the copies on its way to the picker; a key does. With a colon in front it
 * is a pseudo-header to grpc-js, which never writes those of the caller: nothing leaks where the policy is not in use.
 */
const MARK = ":holdfast-ctx";

/**
 * What a child policy may read in a pick's `extraPickInfo`: the addresses that the call has tried, with commas between. A
 * policy that knows better than to take turns can choose with this among the rest.
 */
const AVOID = "holdfast-avoid";

/** Of all channels: a picker has nothing but the metadata to go by. An entry lives as long as its call. */
const inFlight = new Map<string, RoutedAttempt>();
let lastId = 0;

/** The hosts that a balancer is connected to. */
export interface Hosts {
  /** How many addresses it knows, connected or not. */
  readonly size: number;
  /** Whether there is one to choose that is not in the set. */
  hasOther(tried: ReadonlySet<string>): boolean;
}

/** The picker of a policy that reads {@link AVOID}: of hosts that it is connected to it may doubt some, and says so here. */
type ChildPicker = experimental.Picker & Partial<Pick<Hosts, "hasOther">>;

class RoutedCall implements CallRoute {
  /** Every host that an attempt was given to. */
  readonly tried = new Set<string>();
  hosts: Hosts | undefined;
  readonly #ids: string[] = [];

  mark(metadata: Metadata): RoutedAttempt {
    const id = String(++lastId);
    const attempt = new RoutedAttempt(this);
    this.#ids.push(id);
    inFlight.set(id, attempt);
    metadata.set(MARK, id);
    return attempt;
  }

  hasUntried(): boolean {
    return this.hosts?.hasOther(this.tried) ?? false;
  }

  end(): void {
    for (const id of this.#ids) inFlight.delete(id);
  }
}

class RoutedAttempt implements AttemptRoute {
  peer: string | undefined;
  sent: boolean | undefined;
  readonly call: RoutedCall;

  constructor(call: RoutedCall) {
    this.call = call;
  }
}

/**
 * One pick for whoever writes a policy of their own: the child's choice, or another one while the call has tried that
 * host and there is one that it has not.
 */
export function pickUntried(
  child: experimental.Picker,
  args: experimental.PickArgs,
  hosts: Hosts,
  { childAvoids = false }: { childAvoids?: boolean } = {},
): experimental.PickResult {
  const [id] = args.metadata.get(MARK);
  args.metadata.remove(MARK);
  const attempt = inFlight.get(String(id));
  if (attempt === undefined) return child.pick(args);

  const { call } = attempt;
  const asked = call.tried.size === 0 ? args : avoiding(args, call.tried);
  const first = child.pick(asked);
  call.hosts = hosts;
  // Seen, and so far not sent: grpc-js sends nothing but what its picker let through.
  attempt.sent ??= false;
  if (!isComplete(first)) return first;

  // A child that takes turns offers every host within one round; one that draws lots gets as many draws again. One that knows
  // what to avoid has its reasons for what it chose.
  let picksLeft = !childAvoids && call.hasUntried() ? Math.min(2 * hosts.size, 100) : 0;
  let result = first;
  while (call.tried.has(result.subchannel.getAddress()) && picksLeft-- > 0) {
    const next = child.pick(asked);
    if (!isComplete(next)) break;
    result = next;
  }
  attempt.peer = result.subchannel.getAddress();
  // From now on, not from when it starts: two attempts that waited for a connection are picked in one go.
  call.tried.add(attempt.peer);
  const { onCallStarted } = result;
  return {
    ...result,
    onCallStarted: () => {
      attempt.sent = true;
      onCallStarted?.();
    },
  };
}

function avoiding(
  { metadata, extraPickInfo }: experimental.PickArgs,
  tried: ReadonlySet<string>,
): experimental.PickArgs {
  return { metadata, extraPickInfo: { ...extraPickInfo, [AVOID]: [...tried].join(",") } };
}

type CompletePick = experimental.PickResult & { subchannel: experimental.SubchannelInterface };

function isComplete(result: experimental.PickResult): result is CompletePick {
  return result.pickResultType === experimental.PickResultType.COMPLETE && result.subchannel !== null;
}

interface AttemptsJson {
  childPolicy: { [name: string]: object }[];
  childAvoids: boolean;
}

class AttemptsConfig implements experimental.TypedLoadBalancingConfig {
  readonly child: experimental.TypedLoadBalancingConfig;
  readonly childAvoids: boolean;

  constructor(child: experimental.TypedLoadBalancingConfig, childAvoids: boolean) {
    this.child = child;
    this.childAvoids = childAvoids;
  }

  getLoadBalancerName(): string {
    return POLICY;
  }

  toJsonObject(): object {
    return { [POLICY]: { childPolicy: [this.child.toJsonObject()], childAvoids: this.childAvoids } };
  }

  static createFromJson({ childPolicy, childAvoids }: AttemptsJson): AttemptsConfig {
    const child = experimental.selectLbConfigFromList(childPolicy);
    if (child === null)
      throw new Error(`Cannot use ${POLICY}: no child policy of ${JSON.stringify(childPolicy)} is known`);
    return new AttemptsConfig(child, childAvoids);
  }
}

/** Passes everything on to the child policy but its picks, and keeps an eye on the connections that the child makes. */
class AttemptsBalancer implements experimental.LoadBalancer, Hosts {
  readonly #child: experimental.ChildLoadBalancerHandler;
  /** Mostly one for an address; a policy may open another beside one that it doubts. */
  readonly #connections = new Map<string, experimental.SubchannelInterface[]>();
  #childAvoids = false;
  #picker: ChildPicker | undefined;

  constructor(channel: experimental.ChannelControlHelper) {
    const helper = experimental.createChildChannelControlHelper(channel, {
      createSubchannel: (address, args) => {
        const connection = channel.createSubchannel(address, args);
        const others = this.#connections.get(connection.getAddress()) ?? [];
        this.#connections.set(connection.getAddress(), [...others.filter(isReady), connection]);
        return connection;
      },
      updateState: (state, picker, error) => {
        this.#picker = picker;
        const pick: ChildPicker["pick"] = (args) => pickUntried(picker, args, this, { childAvoids: this.#childAvoids });
        channel.updateState(state, { pick }, error);
      },
    });
    this.#child = new experimental.ChildLoadBalancerHandler(helper);
  }

  get size(): number {
    return this.#connections.size;
  }

  hasOther(tried: ReadonlySet<string>): boolean {
    const isOther = ([address, all]: readonly [string, experimental.SubchannelInterface[]]) =>
      !tried.has(address) && all.some(isReady);
    return this.#picker?.hasOther?.(tried) ?? [...this.#connections].some(isOther);
  }

  updateAddressList(...[list, config, ...rest]: Parameters<experimental.LoadBalancer["updateAddressList"]>): boolean {
    if (!(config instanceof AttemptsConfig)) return false;
    this.#childAvoids = config.childAvoids;
    if (list.ok) {
      const known = list.value.flatMap(({ addresses }) => addresses).map(experimental.subchannelAddressToString);
      for (const address of this.#connections.keys()) {
        if (!known.includes(address)) this.#connections.delete(address);
      }
    }
    return this.#child.updateAddressList(list, config.child, ...rest);
  }

  exitIdle(): void {
    this.#child.exitIdle();
  }

  resetBackoff(): void {
    this.#child.resetBackoff();
  }

  destroy(): void {
    this.#child.destroy();
    this.#connections.clear();
  }

  getTypeName(): string {
    return POLICY;
  }
}

function isReady(connection: experimental.SubchannelInterface): boolean {
  return connection.getConnectivityState() === connectivityState.READY;
}

export interface AttemptRoutingOptions {
  /** The policy that chooses among the hosts: any that is registered with grpc-js. @default "round_robin" */
  childPolicy?: string;
  /** What a service config would say to that policy. @default {} */
  childConfig?: object;
  /** It reads which hosts a call has tried, and is not asked again when it chooses one of them. @default false */
  childAvoids?: boolean;
}

/**
 * Both halves: the recorder for the interceptors, and the options that a channel needs for it to have an effect.
 * @throws {RangeError} If grpc-js does not know the child policy; it would fall back to the first host without a word.
 */
export function attemptRouting({
  childPolicy = "round_robin",
  childConfig = {},
  childAvoids = false,
}: AttemptRoutingOptions = {}): {
  attempts: AttemptRecorder;
  channelOptions: ChannelOptions;
} {
  if (!experimental.isLoadBalancerNameRegistered(childPolicy)) {
    throw new RangeError(
      `Cannot build attempt routing: childPolicy must be registered with grpc-js, is "${childPolicy}"`,
    );
  }
  experimental.registerLoadBalancerType(POLICY, AttemptsBalancer, AttemptsConfig);
  const loadBalancingConfig = [{ [POLICY]: { childPolicy: [{ [childPolicy]: childConfig }], childAvoids } }];
  return {
    attempts: { begin: () => new RoutedCall() },
    channelOptions: {
      "grpc.service_config": JSON.stringify({ loadBalancingConfig }),
      // A TXT record could bring another policy, or retries of its own.
      "grpc.service_config_disable_resolution": 1,
    },
  };
}

/** How many attempts are under way in this process; for reports, and for tests that nothing is left. */
export function attemptsInFlight(): number {
  return inFlight.size;
}
