// SPDX-License-Identifier: MIT
/**
 * Copy:    resolver/k8s-resolver.ts
 * Place:   once per process, before the first channel: registerK8sResolver(); the rest is the target, `k8s:///…`.
 * Does:    makes grpc-js find the instances of a Kubernetes service by DNS, as they come and go, and hands them to whichever
 *          balancing policy the channel has.
 * Doesn't: balance, connect, or read the environment or /etc/resolv.conf.
 * With:    clock.ts, resolver/dns-lookup.ts, resolver/endpoint-source.ts, resolver/k8s-target.ts, resolver/poll.ts,
 *          resolver/service-lookup.ts
 * Source:  gRPC name resolution (doc/naming.md); grpc-js' `experimental` namespace, 1.14.
 */
import { type ChannelOptions, experimental, Metadata, status } from "@grpc/grpc-js";
import type { Clock } from "../clock.ts";
import { DnsLookup, type DnsLookupOptions } from "./dns-lookup.ts";
import type { ServiceEndpoint } from "./endpoint-source.ts";
import { authorityOf, candidatesOf, type NameScope, parseK8sTarget, scopeOf } from "./k8s-target.ts";
import { Poll, type PollOptions, type ResolverEvent } from "./poll.ts";
import { ServiceLookup } from "./service-lookup.ts";

/** The channel option with the settings of that channel: {@link k8sChannelOptions} writes it. */
const SETTINGS_KEY = "grpc.internal.no_subchannel.holdfast_resolver";

/**
 * What the policy is told beside the endpoints: `ReadonlyMap<string, number>`, from an endpoint's first address, as
 * `subchannel.getAddress()` writes it, to its share, where 1 is the mean.
 */
export const WEIGHTS_KEY = "grpc.internal.no_subchannel.holdfast_weights";

interface OwnSettings {
  /** The number of a named port where DNS has no SRV records, as with Docker's. @default {} */
  ports: Readonly<Record<string, number>>;
  /** Hears what every look came to. */
  observe: (event: ResolverEvent & { target: string }) => void;
  /** Gets hold of the resolver when a channel is built: `refresh` looks again as soon as it may. */
  control: (resolver: { target: string; refresh(): void }) => void;
  clock: Clock;
  random: () => number;
}

type All = Required<NameScope & DnsLookupOptions & Omit<PollOptions, "observe"> & OwnSettings>;

/** All may be left out; what each means is said where it is declared. Undefined is as good as left out. */
export type K8sResolverSettings = { readonly [Name in keyof All]?: All[Name] | undefined };

const SETTINGS: Record<keyof All, true> = {
  domain: true,
  namespace: true,
  search: true,
  ndots: true,
  servers: true,
  timeoutMs: true,
  tries: true,
  intervalMs: true,
  minGapMs: true,
  requestGapMs: true,
  retryMs: true,
  maxRetryMs: true,
  giveUpMs: true,
  maxStaleMs: true,
  ports: true,
  observe: true,
  control: true,
  clock: true,
  random: true,
};

/**
 * Makes `k8s:///` a scheme of this process. A channel is refused at construction when its target can never resolve.
 * @param defaults for channels that do not say otherwise. `domain` and `namespace` of these name the authority of all that
 * have no `grpc.default_authority`.
 * @throws {TypeError | RangeError} If a setting is out of its range, or there is none of its name.
 */
export function registerK8sResolver(defaults: K8sResolverSettings = {}): void {
  const common = given(defaults);
  const scope = scopeOf(common);
  const { control: _, ...checked } = common;
  // Wrong settings are found now, not by the first channel. Nobody gets hold of this one.
  new K8sResolver("k8s:///any:1", () => true, checked).destroy();
  experimental.registerResolver(
    "k8s",
    class extends K8sResolver {
      /** grpc-js asks for this first, so that a wrong target throws out of `new Client()`. */
      static getDefaultAuthority(target: experimental.GrpcUri): string {
        return authorityOf(parseK8sTarget(experimental.uriToString(target)), scope);
      }

      constructor(target: experimental.GrpcUri, listener: experimental.ResolverListener, options: ChannelOptions) {
        const own = given((options[SETTINGS_KEY] ?? {}) as K8sResolverSettings);
        super(experimental.uriToString(target), listener, { ...common, ...own });
      }
    },
  );
}

/** The options of a channel to a `k8s:///` target. */
export function k8sChannelOptions(settings: K8sResolverSettings = {}): ChannelOptions {
  return {
    [SETTINGS_KEY]: settings,
    // With http_proxy in the environment grpc-js would resolve the proxy instead of a target that ends in a number.
    "grpc.enable_http_proxy": 0,
  };
}

/** What has a value. @throws {TypeError} If there is no setting of its name. */
function given(settings: K8sResolverSettings): Partial<All> {
  const unknown = Object.keys(settings).find((name) => !Object.hasOwn(SETTINGS, name));
  if (unknown !== undefined) throw new TypeError(`Cannot build a k8s resolver: there is no setting "${unknown}"`);
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

class K8sResolver implements experimental.Resolver {
  readonly #poll: Poll;
  readonly #target: string;
  readonly #listener: experimental.ResolverListener;

  constructor(target: string, listener: experimental.ResolverListener, settings: Partial<All>) {
    this.#target = target;
    this.#listener = listener;
    const { observe, control, ports, clock, random, ...rest } = settings;
    const parsed = parseK8sTarget(target);
    const candidates = candidatesOf(parsed, scopeOf(rest));
    const source = new ServiceLookup({ candidates, port: parsed.port, ports }, new DnsLookup(rest), { clock });
    const sink = { list: this.#list.bind(this), failed: this.#failed.bind(this) };
    const told = observe && ((event: ResolverEvent): void => observe({ ...event, target }));
    this.#poll = new Poll(source, sink, { ...rest, observe: told }, { clock, random });
    control?.({ target, refresh: () => this.#poll.refresh() });
  }

  /**
   * Also called when a connection is lost, hundreds of times a second by round_robin with a dead host. grpc-js slows these
   * calls down itself for as long as no list is handed on, so the poll does not count on getting them all.
   */
  updateResolution(): void {
    this.#poll.request();
  }

  /** Also called when the channel has been idle for long; then `updateResolution` follows with the next call. */
  destroy(): void {
    this.#poll.stop();
  }

  #list(endpoints: readonly ServiceEndpoint[], note: string): boolean {
    const list = endpoints.map(({ addresses }) => ({ addresses: addresses.map((each) => ({ ...each })) }));
    const weights = new Map<string, number>();
    for (const { addresses, weight } of endpoints) {
      const [first] = addresses;
      if (first !== undefined) weights.set(experimental.subchannelAddressToString(first), weight);
    }
    return this.#listener(experimental.statusOrFromValue(list), { [WEIGHTS_KEY]: weights }, null, note);
  }

  #failed(note: string): void {
    const details = `Cannot resolve "${this.#target}": ${note}`;
    const error = { code: status.UNAVAILABLE, details, metadata: new Metadata() };
    this.#listener(experimental.statusOrFromError(error), {}, null, note);
  }
}
