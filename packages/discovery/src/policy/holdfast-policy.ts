// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/holdfast-policy.ts
 * Place:   the load-balancing policy "holdfast" of a channel: registered once per process, put to use by the service config.
 * Does:    connects to every endpoint of the list and gives each call to the less loaded of two that are well; keeps what
 *          works when the list is empty or cannot be had; avoids the hosts that a retry says it has tried.
 * Doesn't: resolve names, retry, or wait: while nobody is connected calls queue, once that has failed they fail. The first
 *          settings that a channel gets are those it keeps.
 * With:    clock.ts, policy/eligible.ts, policy/endpoint.ts, policy/outlier.ts, policy/pick.ts, policy/policy-config.ts,
 *          policy/report.ts, policy/silence.ts, policy/slowness.ts, policy/subset.ts
 * Source:  grpc-js' experimental load-balancer API.
 */
import { randomUUID } from "node:crypto";
import { type ChannelOptions, connectivityState, experimental, Metadata, status } from "@grpc/grpc-js";
import { type Clock, systemClock, type Timer } from "../clock.ts";
import { eligible } from "./eligible.ts";
import { PolicyEndpoint } from "./endpoint.ts";
import { Outliers } from "./outlier.ts";
import { LeastLoaded, warmth } from "./pick.ts";
import { POLICY, PolicyConfig, type PolicySettings } from "./policy-config.ts";
import {
  type EndpointReport,
  type EndpointState,
  type PolicyReports,
  RecentCalls,
  type TargetReport,
} from "./report.ts";
import { HeardTime } from "./silence.ts";
import { slownessOf } from "./slowness.ts";
import { subset } from "./subset.ts";

export { holdfastServiceConfig, type PolicySettings } from "./policy-config.ts";
export { PolicyReports } from "./report.ts";

/** The channel option with a {@link PolicyEnvironment}. The prefix keeps it out of what makes two connections different. */
export const ENVIRONMENT_OPTION = "grpc.internal.no_subchannel.holdfast_policy";
/** The resolver's attribute with a ReadonlyMap from `ip:port` of an endpoint's first address to its weight. */
export const WEIGHTS_OPTION = "grpc.internal.no_subchannel.holdfast_weights";
/** What a pick may bring in `extraPickInfo`: addresses, with commas between, that the call has tried. */
export const AVOID = "holdfast-avoid";

export type PolicyEvent =
  | { kind: "list"; added: readonly string[]; removed: readonly string[] }
  /** The resolver had nothing better: the list is as it was. */
  | { kind: "list-kept"; reason: string }
  | { kind: "state"; address: string; from: EndpointState; to: EndpointState };

export interface PolicyEnvironment {
  /** The name of the target in reports. @default "" */
  target?: string;
  /** Who chooses a subset: stable over restarts, such as the name of the pod. @default one per process */
  clientId?: string;
  clock?: Clock;
  /** In [0, 1). @default Math.random */
  random?: () => number;
  reports?: PolicyReports;
  observe?: (event: PolicyEvent) => void;
}

/** How often calls in flight are looked after. Unit: milliseconds. */
const TICK_MS = 50;
const SLOWNESS_TICKS = 5;
const PROCESS_ID = randomUUID();

interface Member {
  readonly endpoint: PolicyEndpoint;
  readonly recent: RecentCalls;
  state: EndpointState;
  since: number;
}

/** What only a first list brings. */
interface Running {
  readonly settings: PolicySettings;
  readonly core: LeastLoaded<PolicyEndpoint>;
  readonly outliers: Outliers;
}

const QUEUE: experimental.PickResult = {
  pickResultType: experimental.PickResultType.QUEUE,
  subchannel: null,
  status: null,
  onCallStarted: null,
  onCallEnded: null,
};

export class HoldfastPolicy implements experimental.LoadBalancer, experimental.Picker {
  readonly #helper: experimental.ChannelControlHelper;
  #environment: PolicyEnvironment;
  #clock: Clock;
  readonly #heard = new HeardTime(1.5 * TICK_MS);
  readonly #members = new Map<string, Member>();
  #running: Running | undefined;
  #resolution: TargetReport["resolution"];
  #published: connectivityState | undefined;
  /** While a list is taken in, nobody is told of the states in between. */
  #busy = false;
  #ticker: Timer | undefined;
  #ticks = 0;
  #turnEnds = false;
  #destroyed = false;

  constructor(helper: experimental.ChannelControlHelper, environment: PolicyEnvironment = {}) {
    this.#helper = helper;
    this.#environment = environment;
    this.#clock = environment.clock ?? systemClock;
  }

  updateAddressList(
    ...[list, config, options, note]: Parameters<experimental.LoadBalancer["updateAddressList"]>
  ): boolean {
    if (!(config instanceof PolicyConfig)) return false;
    const { settings } = config;
    if (settings instanceof Error) {
      this.#fail(status.INTERNAL, settings.message);
      return true;
    }
    this.#environment = { ...this.#environment, ...environmentIn(options) };
    this.#clock = this.#environment.clock ?? systemClock;
    this.#environment.reports?.add(this.#report);
    this.#running ??= this.#start(settings);
    // S2: whatever goes wrong in finding out, what is known goes on.
    const problem = !list.ok ? list.error.details : list.value.length === 0 ? "the list is empty" : undefined;
    this.#resolution = { at: this.#clock.now(), note: problem ?? note };
    if (!list.ok || problem !== undefined) {
      this.#environment.observe?.({ kind: "list-kept", reason: problem ?? "" });
      if (this.#members.size === 0) this.#fail(status.UNAVAILABLE, `Cannot find any endpoint: ${problem ?? note}`);
      return true;
    }
    this.#busy = true;
    this.#take(list.value, this.#running, options, note);
    this.#busy = false;
    this.#refresh();
    return true;
  }

  pick({ extraPickInfo }: experimental.PickArgs): experimental.PickResult {
    const now = this.#clock.now();
    const avoid = extraPickInfo[AVOID];
    // A retry has few attempts left: it is never the one that finds out whether a host has healed.
    const trial = avoid ? undefined : this.#trial(now);
    const endpoint = trial?.endpoint ?? this.#running?.core.pick(now, avoid);
    const subchannel = endpoint?.subchannel;
    if (endpoint === undefined || subchannel === undefined) return QUEUE;
    this.#endTurnLater();
    const { epoch } = endpoint;
    let startedAt = now;
    return {
      pickResultType: experimental.PickResultType.COMPLETE,
      subchannel,
      status: null,
      onCallStarted: () => {
        startedAt = this.#clock.now();
        this.#wake(startedAt);
        endpoint.callStarted(epoch);
        this.#memberOf(endpoint)?.recent.add(startedAt);
      },
      onCallEnded: (code, _details, metadata) => {
        const at = this.#clock.now();
        const verdict = endpoint.callEnded(epoch, code, metadata, at - startedAt);
        const { outliers } = this.#running ?? {};
        if (verdict === undefined || outliers === undefined) return;
        const changed = trial
          ? outliers.endTrial(endpoint.record, trial.number, verdict, at)
          : outliers.ended(endpoint.record, verdict, at);
        if (changed) this.#refresh();
      },
    };
  }

  /** Whenever a call is queued: connections are made without being asked for. */
  exitIdle(): void {}

  /** Attempts are never more than a few seconds apart. */
  resetBackoff(): void {}

  destroy(): void {
    this.#destroyed = true;
    this.#environment.reports?.remove(this.#report);
    this.#ticker?.cancel();
    for (const { endpoint } of this.#members.values()) endpoint.close();
    this.#members.clear();
    this.#running?.core.setCandidates([]);
  }

  getTypeName(): string {
    return POLICY;
  }

  #start(settings: PolicySettings): Running {
    const { random = Math.random } = this.#environment;
    return {
      settings,
      core: new LeastLoaded({ slowStartMs: settings.slowStartMs, random }),
      outliers: new Outliers({ ejectionMs: settings.ejectionMs, maxEjectionMs: settings.maxEjectionMs, random }),
    };
  }

  /** Those that stay are not touched: their connections, and all that is known of them. */
  #take(list: readonly experimental.Endpoint[], running: Running, options: ChannelOptions, note: string): void {
    const { settings, outliers } = running;
    const { clientId = PROCESS_ID, random = Math.random, observe } = this.#environment;
    const given = new Map(list.map((endpoint) => [keyOf(endpoint), endpoint]));
    const wanted = subset([...given.keys()], settings.subsetSize, clientId);
    const removed = [...this.#members.keys()].filter((key) => !wanted.includes(key));
    const added = wanted.filter((key) => !this.#members.has(key));
    for (const key of removed) {
      const member = this.#members.get(key);
      this.#members.delete(key);
      member?.endpoint.close();
      if (member) outliers.remove(member.endpoint.record);
    }
    for (const key of added) {
      const endpoint = new PolicyEndpoint(given.get(key) ?? { addresses: [] }, {
        helper: this.#helper,
        options,
        note,
        clock: this.#clock,
        connectTimeoutMs: settings.connectTimeoutMs,
        settings,
        random,
        heard: this.#heard,
        record: outliers.add(),
        onChange: () => this.#refresh(),
        onLost: () => this.#helper.requestReresolution(),
      });
      this.#members.set(key, { endpoint, recent: new RecentCalls(), state: "connecting", since: this.#clock.now() });
      endpoint.start();
    }
    this.#weigh(given, options);
    if (added.length + removed.length > 0) observe?.({ kind: "list", added, removed });
  }

  /** S5: in the mean, and within 1 to 100 of it: a weight of 0 is a small one. */
  #weigh(given: ReadonlyMap<string, experimental.Endpoint>, options: ChannelOptions): void {
    const weights: unknown = options[WEIGHTS_OPTION];
    const members = [...this.#members].map(([key, { endpoint }]) => {
      const first = given.get(key)?.addresses[0];
      const weight: unknown =
        weights instanceof Map && first ? weights.get(experimental.subchannelAddressToString(first)) : 1;
      return { endpoint, weight: typeof weight === "number" && weight >= 0 ? weight : 1 };
    });
    const mean = members.reduce((sum, { weight }) => sum + weight, 0) / members.length || 1;
    for (const { endpoint, weight } of members) endpoint.weight = Math.min(100, Math.max(0.01, weight / mean));
  }

  #trial(now: number): { endpoint: PolicyEndpoint; number: number } | undefined {
    const { outliers, core } = this.#running ?? {};
    const record = outliers?.trialDue(now);
    if (record === undefined) return undefined;
    for (const { endpoint } of this.#members.values()) {
      if (endpoint.record !== record || outliers === undefined) continue;
      core?.took(endpoint);
      return { endpoint, number: outliers.beginTrial(record, now) };
    }
    return undefined;
  }

  /** What is known has changed: who may be picked, and what the channel is told. */
  #refresh(): void {
    if (this.#busy || this.#destroyed) return;
    const endpoints = [...this.#members.values()].map(({ endpoint }) => endpoint);
    for (const { record, ready, serving, draining, silent } of endpoints) {
      record.inPlay = ready && serving === true && !draining && !silent;
    }
    const { candidates, others } = eligible(endpoints);
    this.#running?.core.setCandidates(candidates, others);
    this.#noteStates();
    this.#publish(endpoints);
  }

  #publish(endpoints: readonly PolicyEndpoint[]): void {
    const state = endpoints.some(({ ready }) => ready)
      ? connectivityState.READY
      : endpoints.some(({ failed }) => !failed)
        ? connectivityState.CONNECTING
        : connectivityState.TRANSIENT_FAILURE;
    if (state === this.#published) return;
    if (state === connectivityState.TRANSIENT_FAILURE) {
      const errors = endpoints.map(({ address, error }) => `${address}: ${error ?? "unknown"}`);
      this.#fail(status.UNAVAILABLE, `Cannot connect to any endpoint: ${errors.slice(0, 5).join("; ")}`);
      return;
    }
    this.#published = state;
    const picker = state === connectivityState.READY ? this : { pick: () => QUEUE };
    this.#helper.updateState(state, picker, null);
  }

  #fail(code: status, details: string): void {
    this.#published = connectivityState.TRANSIENT_FAILURE;
    const picker = new experimental.UnavailablePicker({ code, details, metadata: new Metadata() });
    this.#helper.updateState(connectivityState.TRANSIENT_FAILURE, picker, details);
  }

  #wake(now: number): void {
    if (this.#ticker !== undefined || this.#destroyed) return;
    this.#heard.tick(now);
    this.#ticker = this.#clock.setTimeout(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    const at = this.#heard.tick(this.#clock.now());
    const endpoints = [...this.#members.values()].map(({ endpoint }) => endpoint);
    for (const endpoint of endpoints) endpoint.tick(at);
    if (++this.#ticks % SLOWNESS_TICKS === 0) {
      const slowness = slownessOf(endpoints.map(({ medianMs }) => medianMs));
      for (const [i, endpoint] of endpoints.entries()) endpoint.slowness = slowness[i] ?? 1;
    }
    this.#ticker = undefined;
    if (endpoints.some(({ needsTicks }) => needsTicks)) this.#wake(this.#clock.now());
    else this.#heard.pause();
  }

  /** A call that was picked and has not started by then (its credentials take time, or it was cancelled) is not counted. */
  #endTurnLater(): void {
    if (this.#turnEnds) return;
    this.#turnEnds = true;
    setImmediate(() => {
      this.#turnEnds = false;
      for (const { endpoint } of this.#members.values()) endpoint.reserved = 0;
    });
  }

  #memberOf(endpoint: PolicyEndpoint): Member | undefined {
    for (const member of this.#members.values()) if (member.endpoint === endpoint) return member;
    return undefined;
  }

  #noteStates(): void {
    const now = this.#clock.now();
    for (const member of this.#members.values()) {
      const to = stateOf(member.endpoint, now, this.#running?.settings.slowStartMs ?? 0);
      const { state: from, endpoint } = member;
      if (from === to) continue;
      Object.assign(member, { state: to, since: now });
      this.#environment.observe?.({ kind: "state", address: endpoint.address, from, to });
    }
  }

  readonly #report = (): TargetReport => {
    this.#noteStates();
    const now = this.#clock.now();
    const members = [...this.#members.values()];
    const all = members.reduce((sum, { recent }) => sum + recent.total(now), 0);
    const endpoints = members.map(({ endpoint, recent, state, since }): EndpointReport => {
      const { address, inFlight, calls, record, ready, error } = endpoint;
      const share = all === 0 ? 0 : recent.total(now) / all;
      const why = ready || error === undefined ? {} : { error };
      return { address, state, since, inFlight, calls, share, ejections: record.ejections, ...why };
    });
    return { target: this.#environment.target ?? "", endpoints, resolution: this.#resolution };
  };
}

function stateOf(endpoint: PolicyEndpoint, now: number, slowStartMs: number): EndpointState {
  if (!endpoint.ready) return endpoint.failed ? "failing" : "connecting";
  if (endpoint.serving === undefined) return "connecting";
  if (!endpoint.serving) return "not-serving";
  if (endpoint.draining) return "draining";
  if (endpoint.silent) return "silent";
  if (endpoint.ejected) return "ejected";
  return warmth(now - endpoint.warmSince, slowStartMs) < 1 ? "slow-starting" : "ready";
}

/** The same whatever the order of its addresses. */
function keyOf({ addresses }: experimental.Endpoint): string {
  return addresses.map(experimental.subchannelAddressToString).sort().join(",");
}

function environmentIn(options: ChannelOptions): PolicyEnvironment {
  const environment: unknown = options[ENVIRONMENT_OPTION];
  return environment instanceof Object ? environment : {};
}

/** Makes the policy known to grpc-js, with what channels get that bring no environment of their own. */
export function registerHoldfastPolicy(defaults: PolicyEnvironment = {}): void {
  class Registered extends HoldfastPolicy {
    constructor(helper: experimental.ChannelControlHelper) {
      super(helper, defaults);
    }
  }
  experimental.registerLoadBalancerType(POLICY, Registered, PolicyConfig);
}
