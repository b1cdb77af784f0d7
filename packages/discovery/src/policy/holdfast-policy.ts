// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/holdfast-policy.ts
 * Place:   the load-balancing policy "holdfast" of a channel: registered once per process, put to use by the service config.
 * Does:    connects to every endpoint of the list and gives each call to the less loaded of two that are well; keeps what
 *          works when the list is empty or cannot be had; avoids the hosts that a retry says it has tried.
 * Doesn't: resolve names, retry, or wait: while nobody is connected calls queue, once that has failed they fail. The first
 *          settings that a channel gets are those it keeps.
 * With:    clock.ts, policy/channel-state.ts, policy/eligible.ts, policy/endpoint.ts, policy/least-loaded.ts,
 *          policy/members.ts, policy/outlier.ts, policy/policy-config.ts, policy/policy-environment.ts, policy/report.ts,
 *          policy/silence.ts, policy/slowness.ts
 * Source:  grpc-js' experimental load-balancer API.
 */
import { randomUUID } from "node:crypto";
import { type ChannelOptions, experimental, status } from "@grpc/grpc-js";
import { type Clock, systemClock, type Timer } from "../clock.ts";
import { ChannelState, QUEUE } from "./channel-state.ts";
import { eligible } from "./eligible.ts";
import { PolicyEndpoint } from "./endpoint.ts";
import { LeastLoaded } from "./least-loaded.ts";
import { Members } from "./members.ts";
import { Outliers } from "./outlier.ts";
import { POLICY, PolicyConfig, type PolicySettings } from "./policy-config.ts";
import { AVOID, environmentIn, type PolicyEnvironment, WEIGHTS_KEY } from "./policy-environment.ts";
import type { TargetReport } from "./report.ts";
import { HeardTime } from "./silence.ts";
import { slownessOf } from "./slowness.ts";

export { holdfastServiceConfig, type PolicySettings } from "./policy-config.ts";
export {
  AVOID,
  ENVIRONMENT_OPTION,
  type PolicyEnvironment,
  type PolicyEvent,
  WEIGHTS_KEY,
} from "./policy-environment.ts";
export { PolicyReports, type TargetReport } from "./report.ts";

/** How often calls in flight are looked after. Unit: milliseconds. */
const TICK_MS = 50;
const SLOWNESS_TICKS = 5;
const PROCESS_ID = randomUUID();

type Update = Parameters<experimental.LoadBalancer["updateAddressList"]>;

interface Trial {
  readonly endpoint: PolicyEndpoint;
  readonly number: number;
}

/** What the first list brings. */
interface Running {
  readonly settings: PolicySettings;
  readonly members: Members;
  readonly core: LeastLoaded<PolicyEndpoint>;
  readonly outliers: Outliers;
}

export class HoldfastPolicy implements experimental.LoadBalancer, experimental.Picker {
  readonly #helper: experimental.ChannelControlHelper;
  #environment: PolicyEnvironment;
  #clock: Clock = systemClock;
  readonly #heard = new HeardTime(1.5 * TICK_MS);
  #running: Running | undefined;
  #resolution: { readonly at: number; readonly note: string } | undefined;
  readonly #state: ChannelState;
  /** While a list is taken in, nobody is told of the states in between. */
  #busy = false;
  #ticker: Timer | undefined;
  #ticks = 0;
  #turnEnds = false;
  /** Picked in this turn, and not begun yet. */
  readonly #unstarted = new Set<Trial>();
  #destroyed = false;

  constructor(helper: experimental.ChannelControlHelper, environment: PolicyEnvironment = {}) {
    this.#helper = helper;
    this.#state = new ChannelState(helper, this);
    this.#environment = environment;
  }

  updateAddressList(...[list, config, options, note]: Update): boolean {
    if (!(config instanceof PolicyConfig)) return false;
    const { settings } = config;
    if (settings instanceof Error) {
      this.#state.fail(status.INTERNAL, settings.message);
      return true;
    }
    this.#running ??= this.#start(settings, options, note);
    const { members } = this.#running;
    const { observe } = this.#environment;
    const now = this.#clock.now();
    // S2: whatever goes wrong in finding out, what is known goes on.
    if (!list.ok || list.value.length === 0) {
      const reason = list.ok ? "the list is empty" : list.error.details;
      this.#resolution = { at: now, note: reason };
      observe?.({ kind: "list-kept", reason });
      if (members.endpoints.length === 0) this.#state.fail(status.UNAVAILABLE, `Cannot find any endpoint: ${reason}`);
      return true;
    }
    this.#resolution = { at: now, note };
    this.#busy = true;
    const changes = members.update(list.value, options[WEIGHTS_KEY], now);
    this.#busy = false;
    if (changes.added.length + changes.removed.length > 0) observe?.({ kind: "list", ...changes });
    this.#refresh();
    return true;
  }

  pick({ extraPickInfo }: experimental.PickArgs): experimental.PickResult {
    if (this.#running === undefined) return QUEUE;
    const { core, outliers } = this.#running;
    const now = this.#clock.now();
    const avoid = extraPickInfo[AVOID];
    // A retry has few attempts left: it is never the one that finds out whether a host has healed.
    const trial = avoid ? undefined : this.#trial(now, this.#running);
    const endpoint = trial?.endpoint ?? core.pick(now, avoid);
    if (endpoint?.subchannel === undefined) return QUEUE;
    this.#endTurnLater();
    if (trial) this.#unstarted.add(trial);
    const { epoch, subchannel } = endpoint;
    let startedAt = now;
    return {
      pickResultType: experimental.PickResultType.COMPLETE,
      subchannel,
      status: null,
      onCallStarted: () => {
        startedAt = this.#clock.now();
        if (trial) this.#unstarted.delete(trial);
        this.#wake(startedAt);
        endpoint.callStarted(epoch, startedAt);
      },
      onCallEnded: (code, _details, metadata) => {
        const at = this.#clock.now();
        const verdict = endpoint.callEnded(epoch, code, metadata, at - startedAt);
        const changed = trial
          ? outliers.endTrial(endpoint.record, trial.number, verdict, at)
          : outliers.ended(endpoint.record, verdict, at);
        if (changed) this.#refresh();
      },
    };
  }

  /** Whether a pick that avoids the addresses would get another: asked, as a picker, by whoever hedges. */
  hasOther(tried: ReadonlySet<string>): boolean {
    return this.#running?.core.hasOther(tried) ?? false;
  }

  /** Without effect: connections are made without being asked for. */
  exitIdle(): void {}

  /** Without effect: attempts are never more than a few seconds apart. */
  resetBackoff(): void {}

  destroy(): void {
    this.#destroyed = true;
    this.#environment.reports?.remove(this.#report);
    this.#ticker?.cancel();
    this.#running?.members.clear();
    this.#running?.core.setCandidates([]);
  }

  getTypeName(): string {
    return POLICY;
  }

  #start(settings: PolicySettings, options: ChannelOptions, note: string): Running {
    this.#environment = { ...this.#environment, ...environmentIn(options) };
    const { clock = systemClock, clientId = PROCESS_ID, random = Math.random, reports } = this.#environment;
    this.#clock = clock;
    reports?.add(this.#report);
    const { subsetSize, slowStartMs, connectTimeoutMs } = settings;
    const outliers = new Outliers({ ...settings, random });
    const context = {
      helper: this.#helper,
      options,
      note,
      clock,
      connectTimeoutMs,
      settings,
      random,
      heard: this.#heard,
    };
    const members = new Members({
      subsetSize,
      clientId,
      slowStartMs,
      create: (endpoint) => {
        const record = outliers.add();
        const created = new PolicyEndpoint(endpoint, {
          ...context,
          record,
          onReturned: () => outliers.returned(record),
          onChange: () => this.#refresh(),
          onLeaving: () => this.#helper.requestReresolution(),
        });
        created.start();
        return created;
      },
      remove: (endpoint) => {
        outliers.remove(endpoint.record);
        endpoint.close();
      },
    });
    return { settings, members, outliers, core: new LeastLoaded({ slowStartMs, random }) };
  }

  #trial(now: number, { core, outliers, members }: Running): Trial | undefined {
    const record = outliers.trialDue(now);
    if (record === undefined) return undefined;
    const endpoint = members.endpoints.find((each) => each.record === record);
    if (endpoint === undefined) return undefined;
    core.took(endpoint);
    return { endpoint, number: outliers.beginTrial(record, now) };
  }

  /** What is known has changed: who may be picked, and what the channel is told. */
  #refresh(): void {
    if (this.#busy || this.#destroyed || this.#running === undefined) return;
    const { members, core } = this.#running;
    for (const { record, ready, serving, draining, silent } of members.endpoints) {
      record.inPlay = ready && serving === true && !draining && !silent;
    }
    const { candidates, others } = eligible(members.endpoints);
    core.setCandidates(candidates, others);
    this.#noteStates(members);
    this.#state.update(members.endpoints);
  }

  #wake(now: number): void {
    if (this.#ticker !== undefined || this.#destroyed) return;
    this.#heard.tick(now);
    this.#ticker = this.#clock.setTimeout(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    const endpoints = this.#running?.members.endpoints ?? [];
    const at = this.#heard.tick(this.#clock.now());
    for (const endpoint of endpoints) endpoint.tick(at);
    if (++this.#ticks % SLOWNESS_TICKS === 0) {
      const slowness = slownessOf(endpoints.map(({ duration }) => duration));
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
      const trials = [...this.#unstarted];
      this.#unstarted.clear();
      if (this.#running === undefined) return;
      const { members, outliers } = this.#running;
      for (const endpoint of members.endpoints) endpoint.reserved = 0;
      for (const { endpoint, number } of trials) outliers.postponeTrial(endpoint.record, number, this.#clock.now());
    });
  }

  #noteStates(members: Members): void {
    const { observe } = this.#environment;
    members.noteStates(this.#clock.now(), (address, from, to) => observe?.({ kind: "state", address, from, to }));
  }

  readonly #report = (): TargetReport => {
    if (this.#running) this.#noteStates(this.#running.members);
    const now = this.#clock.now();
    const endpoints = this.#running?.members.report(now) ?? [];
    const resolution = this.#resolution && { ageMs: now - this.#resolution.at, note: this.#resolution.note };
    return { target: this.#environment.target ?? "", endpoints, resolution };
  };
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
