// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/policy-config.ts
 * Place:   beside policy/holdfast-policy.ts, which registers it with grpc-js.
 * Does:    reads `{ "holdfast": { … } }` of a service config, and says what is wrong with it.
 * Doesn't: fall back: a mistake in a config that grpc-js parses by itself fails every call instead of picking the first host.
 * With:    -
 * Source:  the service config's JSON: camelCase, durations here as numbers with the unit in the name.
 */
import type { experimental } from "@grpc/grpc-js";

/** The name of the policy in a service config. */
export const POLICY = "holdfast";

export interface PolicySettings {
  /** How long a new connection takes to count fully: until then each call in flight weighs more. 0 to 600_000. @default 10_000 */
  slowStartMs: number;
  /** How many endpoints this client uses; 0 means all. 0 to 1_000. @default 0 */
  subsetSize: number;
  /**
   * A connection attempt that takes longer is given up and made anew: an instance that is back after a cut has to wait for the
   * end of the one that fell into it. 100 to 60_000. @default 2_000
   */
  connectTimeoutMs: number;
  /** Calls in flight and no sign of life for this long: the connection is probed. 50 to 60_000. @default 250 */
  silenceMs: number;
  /** A probe unanswered for this long: no new calls. 50 to 60_000. @default 300 */
  probeTimeoutMs: number;
  /** First ejection; doubles each time, up to {@link maxEjectionMs}. 100 to 60_000. @default 1_000 */
  ejectionMs: number;
  /** 100 to 60_000. @default 4_000 */
  maxEjectionMs: number;
  /** Whether to watch each endpoint's health. @default true */
  healthWatch: boolean;
  /** What health is asked about; empty means the whole server. @default { serviceName: "" } */
  healthCheckConfig: { serviceName: string };
}

export const POLICY_DEFAULTS: Readonly<PolicySettings> = Object.freeze({
  slowStartMs: 10_000,
  subsetSize: 0,
  connectTimeoutMs: 2_000,
  silenceMs: 250,
  probeTimeoutMs: 300,
  ejectionMs: 1_000,
  maxEjectionMs: 4_000,
  healthWatch: true,
  healthCheckConfig: Object.freeze({ serviceName: "" }),
});

const RANGES: { readonly [name: string]: readonly [min: number, max: number] } = {
  slowStartMs: [0, 600_000],
  subsetSize: [0, 1_000],
  connectTimeoutMs: [100, 60_000],
  silenceMs: [50, 60_000],
  probeTimeoutMs: [50, 60_000],
  ejectionMs: [100, 60_000],
  maxEjectionMs: [100, 60_000],
};

/**
 * Fills in what is left out.
 * @throws {TypeError | RangeError} That names the setting, what it may be and what it is.
 */
export function readSettings(json: unknown): PolicySettings {
  if (!isRecord(json)) throw wrong("config", "be an object", json);
  for (const [name, value] of Object.entries(json)) {
    const range = RANGES[name];
    if (range) checkNumber(name, value, range);
    else if (name === "healthWatch") checkType(name, value, "boolean");
    else if (name === "healthCheckConfig") checkHealth(value);
    else throw new TypeError(`Cannot use ${POLICY}: there is no setting "${name}"`);
  }
  const settings = { ...POLICY_DEFAULTS, ...json };
  if (settings.maxEjectionMs < settings.ejectionMs) {
    throw wrong("maxEjectionMs", `be at least ejectionMs (${settings.ejectionMs})`, settings.maxEjectionMs, RangeError);
  }
  return { ...settings, healthCheckConfig: { ...POLICY_DEFAULTS.healthCheckConfig, ...settings.healthCheckConfig } };
}

/**
 * The channel option `grpc.service_config` that puts the policy to use.
 * @throws {TypeError | RangeError} As {@link readSettings} does: at construction, where a mistake is seen.
 */
export function holdfastServiceConfig(settings: Partial<PolicySettings> = {}): string {
  readSettings(settings);
  return JSON.stringify({ loadBalancingConfig: [{ [POLICY]: settings }] });
}

/** What grpc-js holds between parsing and use. */
export class PolicyConfig implements experimental.TypedLoadBalancingConfig {
  /** Or what is wrong with them. */
  readonly settings: PolicySettings | Error;
  readonly #json: object;

  constructor(settings: PolicySettings | Error, json: object) {
    this.settings = settings;
    this.#json = json;
  }

  getLoadBalancerName(): string {
    return POLICY;
  }

  toJsonObject(): object {
    return { [POLICY]: this.#json };
  }

  // An exception would make grpc-js take the next policy of the list, or pick_first, and log that at DEBUG only.
  static createFromJson(json: object): PolicyConfig {
    try {
      return new PolicyConfig(readSettings(json), json);
    } catch (error) {
      return new PolicyConfig(error instanceof Error ? error : new Error(String(error)), json);
    }
  }
}

function isRecord(value: unknown): value is { [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkNumber(name: string, value: unknown, [min, max]: readonly [number, number]): void {
  if (typeof value !== "number") throw wrong(name, `be a number from ${min} to ${max}`, value);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw wrong(name, `be a whole number from ${min} to ${max}`, value, RangeError);
  }
}

function checkType(name: string, value: unknown, type: "boolean" | "string"): void {
  if (typeof value !== type) throw wrong(name, `be a ${type}`, value);
}

function checkHealth(value: unknown): void {
  if (!isRecord(value)) throw wrong("healthCheckConfig", "be an object", value);
  for (const [name, inner] of Object.entries(value)) {
    if (name !== "serviceName")
      throw new TypeError(`Cannot use ${POLICY}: there is no setting "healthCheckConfig.${name}"`);
    checkType("healthCheckConfig.serviceName", inner, "string");
  }
}

function wrong(name: string, must: string, value: unknown, Kind: ErrorConstructor | RangeErrorConstructor = TypeError) {
  return new Kind(`Cannot use ${POLICY}: ${name} must ${must}, is ${JSON.stringify(value)}`);
}
