// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/endpoint.ts
 * Place:   one per endpoint of the list, for as long as it is on the list; owned by policy/holdfast-policy.ts.
 * Does:    keeps it connected, follows its health, probes its connection when calls hang (over another one when it has no
 *          stream left), and replaces one that is silent; policy/eligible.ts and policy/least-loaded.ts go by it.
 * Doesn't: decide anything about calls; end calls that are in flight when it leaves the list, or its connection is replaced.
 * With:    clock.ts, policy/connection.ts, policy/eligible.ts, policy/health-call.ts, policy/health-watch.ts,
 *          policy/least-loaded.ts, policy/outlier.ts, policy/policy-config.ts, policy/report.ts, policy/silence.ts,
 *          policy/slowness.ts, policy/spare.ts
 * Source:  -
 */
import { connectivityState, experimental, type Metadata, status } from "@grpc/grpc-js";
import type { Timer } from "../clock.ts";
import { Connection, type ConnectionContext } from "./connection.ts";
import type { Standing } from "./eligible.ts";
import { askHealth, type HealthCall, type HealthQuestion } from "./health-call.ts";
import { HealthWatch } from "./health-watch.ts";
import type { Load } from "./least-loaded.ts";
import { type OutlierRecord, type Verdict, verdictOf } from "./outlier.ts";
import type { PolicySettings } from "./policy-config.ts";
import { RecentCalls } from "./report.ts";
import { type HeardTime, Silence } from "./silence.ts";
import { CallDuration, type Estimate } from "./slowness.ts";
import { Spare } from "./spare.ts";

export interface EndpointContext extends ConnectionContext {
  settings: PolicySettings;
  random: () => number;
  heard: HeardTime;
  record: OutlierRecord;
  /** Whether it may be picked may have changed, or whether it is connected. */
  onChange: () => void;
  /** It is gone, or has said that it goes: somebody else may be there in its place. */
  onLeaving: () => void;
  /** Connected, and was not before. */
  onReturned: () => void;
}

/** A server that said it drains and then neither goes nor says more is believed for this long. Unit: milliseconds. */
const DRAINING_MS = 5_000;
/** Back within this, at the first attempt and without a call that failed, it is the same process. Unit: milliseconds. */
const SAME_PROCESS_MS = 1_000;

export class PolicyEndpoint implements Load, Standing {
  readonly #endpoint: experimental.Endpoint;
  readonly #context: EndpointContext;
  #connection: Connection;
  #spare: Spare | undefined;
  #watch: HealthWatch | undefined;
  #probe: HealthCall | undefined;
  #drained: Timer | undefined;
  #silence: Silence;
  #duration = new CallDuration();
  #lost = 0;
  #lostAt = -Infinity;
  readonly record: OutlierRecord;

  address: string;
  inFlight = 0;
  reserved = 0;
  weight = 1;
  warmSince = 0;
  slowness = 1;
  turn = 0;
  serving: boolean | undefined;
  draining = false;
  /** What calls are made on; undefined while not connected. */
  subchannel: experimental.SubchannelInterface | undefined;
  /** Has failed to connect, or to stay so, since it last was. */
  failed = false;
  /** Calls started, ever. */
  calls = 0;
  readonly recent = new RecentCalls();
  /** Goes up with each new connection: how a call on an earlier one ends says nothing about this one. */
  epoch = 0;

  constructor(endpoint: experimental.Endpoint, context: EndpointContext) {
    this.#endpoint = endpoint;
    this.#context = context;
    this.record = context.record;
    this.address = endpoint.addresses.map(experimental.subchannelAddressToString)[0] ?? "";
    this.#silence = new Silence(context.settings);
    this.#connection = this.#connect(false);
  }

  get ready(): boolean {
    return this.subchannel !== undefined;
  }

  get silent(): boolean {
    return this.#silence.silent;
  }

  get ejected(): boolean {
    return this.record.ejected;
  }

  get error(): string | undefined {
    return this.#connection.error;
  }

  /** How long its calls take. */
  get duration(): Estimate | undefined {
    return this.#duration.estimate;
  }

  /** Whether `tick` has anything to look after. */
  get needsTicks(): boolean {
    return this.ready && (this.inFlight > 0 || this.silent || this.#silence.probing);
  }

  start(): void {
    this.#connection.start();
  }

  close(): void {
    this.#disconnected();
    this.#connection.close();
  }

  callStarted(epoch: number, now: number): void {
    this.calls++;
    this.recent.add(now);
    if (this.reserved > 0) this.reserved--;
    if (epoch === this.epoch) this.#silence.callStarted(this.#context.heard.now, this.inFlight++);
  }

  /** How the call reflects on the server; not at all when its connection is no longer the one in use. */
  callEnded(epoch: number, code: status, metadata: Metadata, durationMs: number): Verdict {
    if (epoch !== this.epoch) return "ignored";
    this.inFlight--;
    const verdict = verdictOf(code, metadata, durationMs);
    // Lost with its connection, as are all others: that is one failure, however many calls were under way.
    if (!this.ready && verdict === "failure") return this.#lost++ === 0 ? verdict : "ignored";
    // Those two come from this side as a rule, and then say nothing about the other.
    const fromServer = code !== status.CANCELLED && code !== status.DEADLINE_EXCEEDED;
    if (fromServer) this.#heard(this.#silence.callEnded(this.#context.heard.now));
    if (verdict === "success") this.#duration.add(durationMs);
    // The others that failed say nothing of how long calls take: one that refuses them all is not the fastest.
    else if (code === status.DEADLINE_EXCEEDED) this.#duration.addUnfinished(durationMs);
    if (verdict === "draining") this.#drain();
    return verdict;
  }

  tick(at: number): void {
    if (!this.ready) return;
    const step = this.#silence.tick(at, this.inFlight, this.#probe?.waits);
    if (step === "probe") this.#sendProbe();
    else if (step === "silent") this.#context.onChange();
    else if (step !== undefined && this.#spare === undefined) this.#openSpare();
  }

  #connect(fresh: boolean): Connection {
    const connection: Connection = new Connection(this.#endpoint, fresh, this.#context, {
      onState: () => {
        if (connection === this.#connection) this.#stateChanged();
        else this.#spare?.stateChanged();
      },
      onStuck: () => {
        if (connection !== this.#connection) this.#openSpare();
        else if (!this.ready) this.#startOver();
      },
    });
    return connection;
  }

  #stateChanged(): void {
    const { state, subchannel, pausing } = this.#connection;
    if (pausing || state === connectivityState.TRANSIENT_FAILURE) this.failed = true;
    if (subchannel !== undefined) {
      this.#connected(subchannel);
    } else if (this.ready) {
      this.#disconnected();
      this.#lostAt = this.#context.clock.now();
      this.#context.onLeaving();
    }
    this.#context.onChange();
  }

  #connected(subchannel: experimental.SubchannelInterface): void {
    const { clock, random, settings } = this.#context;
    if (!this.ready) this.#context.onReturned();
    this.#disconnected();
    // Servers end connections that are old. Otherwise it may be a new process, and nothing of the old one holds.
    if (this.failed || this.#lost > 0 || clock.now() - this.#lostAt >= SAME_PROCESS_MS) {
      this.#duration = new CallDuration();
      this.slowness = 1;
      this.warmSince = clock.now();
    }
    this.epoch++;
    this.inFlight = this.#lost = 0;
    this.#lostAt = -Infinity;
    this.#silence = new Silence(settings);
    this.subchannel = subchannel;
    this.address = subchannel.getAddress();
    this.failed = false;
    if (!settings.healthWatch) {
      this.serving = true;
      return;
    }
    this.#watch = new HealthWatch(subchannel, {
      ...this.#question,
      clock,
      random,
      onHealth: (serving) => {
        this.serving = serving;
        this.draining = false;
        // It goes: whoever comes in its place may be there already, and nobody has told us.
        if (!serving) this.#context.onLeaving();
        this.#context.onChange();
      },
    });
  }

  #disconnected(): void {
    this.#watch?.close();
    this.#probe?.cancel();
    this.#drained?.cancel();
    this.#spare?.close();
    this.#watch = this.#probe = this.#spare = this.subchannel = this.serving = undefined;
    this.draining = this.#silence.silent = false;
  }

  /** The attempt took too long: the next one, over a connection of its own. */
  #startOver(): void {
    this.#connection.close();
    this.#connection = this.#connect(true);
    this.#connection.error = `no HTTP/2 connection to ${this.address} within ${this.#context.connectTimeoutMs} ms`;
    this.failed = true;
    this.#connection.start();
    this.#context.onChange();
  }

  #sendProbe(): void {
    if (this.subchannel === undefined) return;
    this.#probe = askHealth(this.subchannel, this.#question, {
      // Whatever it says, even that it knows no such method: somebody is there.
      onEnd: () => this.#heard(this.#silence.probeAnswered(this.#context.heard.now)),
    });
    if (this.#probe === undefined) this.#silence.probeLost();
  }

  /** A sign of life: nothing more needs to be found out. */
  #heard(wasSilent: boolean): void {
    this.#spare?.close();
    this.#probe?.cancel();
    this.#spare = this.#probe = undefined;
    if (wasSilent) this.#context.onChange();
  }

  /**
   * The unanswered probe would be answered when TCP retransmits: after a cut of half a minute, every half minute. A new
   * connection is up within two seconds. Where streams have used up the other one, it only asks, and is closed then.
   */
  #openSpare(): void {
    this.#spare?.close();
    const { clock, connectTimeoutMs } = this.#context;
    this.#spare = new Spare(this.#connect(true), {
      question: this.#question,
      clock,
      timeoutMs: connectTimeoutMs,
      onAnswer: (connection) => {
        if (!this.silent) {
          this.#heard(this.#silence.probeAnswered(this.#context.heard.now));
          return;
        }
        this.#connection.close();
        this.#connection = connection;
        this.#spare = undefined;
        this.#stateChanged();
      },
      onStuck: () => this.#openSpare(),
    });
    this.#spare.start();
  }

  #drain(): void {
    this.draining = true;
    this.#context.onLeaving();
    this.#drained?.cancel();
    this.#drained = this.#context.clock.setTimeout(() => {
      this.draining = false;
      this.#context.onChange();
    }, DRAINING_MS);
    this.#context.onChange();
  }

  get #question(): HealthQuestion {
    const { options, settings } = this.#context;
    // As the calls are. What a resolver calls the service where the option is not there, no policy is told.
    const given: unknown = options["grpc.default_authority"];
    return {
      method: "Check",
      service: settings.healthCheckConfig.serviceName,
      authority: typeof given === "string" ? given : this.address,
    };
  }
}
