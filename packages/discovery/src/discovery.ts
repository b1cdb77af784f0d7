// SPDX-License-Identifier: MIT
/**
 * Copy:    discovery.ts
 * Place:   once per process that calls others; what it gives goes to every channel with a `k8s:///` target.
 * Does:    puts the resolver and the policy together: instances are found by name, calls go to those that are well, and
 *          `targets()` tells what this process knows of them.
 * Doesn't: retry; who does gives `policy` and `settings` to client/attempt-routing.ts as its child policy.
 * With:    clock.ts, policy/holdfast-policy.ts, policy/policy-config.ts, policy/report.ts, resolver/k8s-resolver.ts,
 *          resolver/k8s-target.ts
 * Source:  -
 */
import { type ChannelInterface, type ChannelOptions, connectivityState } from "@grpc/grpc-js";
import { type Clock, systemClock } from "./clock.ts";
import {
  ENVIRONMENT_OPTION,
  holdfastServiceConfig,
  type PolicyEnvironment,
  PolicyReports,
  registerHoldfastPolicy,
} from "./policy/holdfast-policy.ts";
import { POLICY, type PolicySettings } from "./policy/policy-config.ts";
import type { TargetReport } from "./policy/report.ts";
import { k8sChannelOptions, type K8sResolverSettings, registerK8sResolver } from "./resolver/k8s-resolver.ts";
import { authorityOf, parseK8sTarget, scopeOf } from "./resolver/k8s-target.ts";

export interface DiscoveryOptions {
  /** How names are found. */
  resolver?: Omit<K8sResolverSettings, "clock" | "random">;
  /** How calls are spread. */
  policy?: Partial<PolicySettings>;
  /** Who chooses a subset: stable over restarts, such as the name of the pod. @default one per process */
  clientId?: string;
  /** Told of each change of what a target's instances are and how they do. */
  observe?: (event: Parameters<NonNullable<PolicyEnvironment["observe"]>>[0] & { target: string }) => void;
}

export interface Env {
  clock?: Clock;
  random?: () => number;
}

export interface Discovery {
  /** The policy's name in a service config, and what stands beneath it. */
  readonly policy: string;
  readonly settings: Partial<PolicySettings>;
  /** What a channel to the target needs. A service config that names another policy around this one may replace that of here. */
  channelOptions(target: string): ChannelOptions;
  /** Without it `targets()` knows a channel while it is in use only: not before its first call, and not while it rests. */
  follow(channel: ChannelInterface): void;
  /**
   * What is known of the instances, of each channel in use; and, without endpoints, each target that only followed channels
   * have. `resolution` is the last look at the name. A channel that is closed is forgotten.
   */
  targets(): TargetReport[];
}

/** What an observer throws must not end the look, or the update, that it is told of. */
function told<Event>(observe: ((event: Event) => void) | undefined): ((event: Event) => void) | undefined {
  return (
    observe &&
    ((event) => {
      try {
        observe(event);
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    })
  );
}

/** The channels that are not closed. */
class OpenChannels {
  #channels: ChannelInterface[] = [];

  add(channel: ChannelInterface): void {
    // Who never asks for a list shall not keep the closed ones either.
    this.#channels = [...this.list(), channel];
  }

  list(): readonly ChannelInterface[] {
    return this.#channels.filter((each) => each.getConnectivityState(false) !== connectivityState.SHUTDOWN);
  }
}

/** For calls, for questions about health, and for the server's certificate, which grpc-js checks by another option. */
function named(authority: string): ChannelOptions {
  return { "grpc.default_authority": authority, "grpc.ssl_target_name_override": authority };
}

type Look = Parameters<NonNullable<K8sResolverSettings["observe"]>>[0];

/**
 * Finds the instances of services and chooses among them.
 * @throws {TypeError | RangeError} If an option is out of range, or there is none of its name.
 */
export function discovery(options: DiscoveryOptions = {}, { clock = systemClock, random }: Env = {}): Discovery {
  const { resolver = {}, policy: settings = {}, clientId, observe } = options;
  const reports = new PolicyReports();
  const looks = new Map<string, { at: number; note: string }>();
  const noteLook = (look: Look): void => {
    const kept = look.kind === "kept" ? `list kept for ${Math.round(look.ageMs / 1_000)} s: ` : "";
    looks.set(look.target, { at: look.at, note: `${kept}${look.note}` });
    told(resolver.observe)?.(look);
  };
  // All of them, so that a wrong one is found here and not by the first channel; then none: each channel brings its own, and
  // has nothing of another discovery's.
  registerK8sResolver(resolver);
  registerK8sResolver();
  const { domain, namespace } = resolver;
  const scope = scopeOf({ ...(domain !== undefined && { domain }), ...(namespace !== undefined && { namespace }) });
  registerHoldfastPolicy();
  const serviceConfig = holdfastServiceConfig(settings);
  const given = { clock, ...(random && { random }) };
  const followed = new OpenChannels();
  return {
    policy: POLICY,
    settings,
    channelOptions: (target) => {
      const environment: PolicyEnvironment = {
        ...given,
        target,
        reports,
        ...(clientId !== undefined && { clientId }),
        ...(observe && { observe: (event) => told(observe)?.({ ...event, target }) }),
      };
      return {
        ...k8sChannelOptions({ ...resolver, ...given, observe: noteLook }),
        ...(target.startsWith("k8s:") && named(authorityOf(parseK8sTarget(target), scope))),
        [ENVIRONMENT_OPTION]: environment,
        "grpc.service_config": serviceConfig,
        // A TXT record could bring another policy.
        "grpc.service_config_disable_resolution": 1,
      };
    },
    follow: (channel) => followed.add(channel),
    targets: () => {
      const used = reports.list();
      const now = clock.now();
      const lastLook = (target: string): TargetReport["resolution"] => {
        const look = looks.get(target);
        return look && { ageMs: now - look.at, note: look.note };
      };
      const others = new Set(followed.list().map((channel) => channel.getTarget()));
      for (const { target } of used) others.delete(target);
      return [...used, ...[...others].map((target) => ({ target, endpoints: [], resolution: undefined }))]
        .map((report) => ({ ...report, resolution: lastLook(report.target) ?? report.resolution }))
        .toSorted((a, b) => a.target.localeCompare(b.target));
    },
  };
}
