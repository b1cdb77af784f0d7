// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { holdfastServiceConfig, POLICY_DEFAULTS, PolicyConfig, readSettings } from "./policy-config.ts";

describe("readSettings()", () => {
  test("fills in what is left out", () => {
    expect(readSettings({})).toEqual(POLICY_DEFAULTS);
    expect(readSettings({ subsetSize: 3, healthCheckConfig: {} })).toEqual({ ...POLICY_DEFAULTS, subsetSize: 3 });
  });

  test.each([
    [{ slowStartMs: "10s" }, TypeError, "slowStartMs must be a number from 0 to 600000"],
    [{ slowStartMs: -1 }, RangeError, "slowStartMs must be a whole number from 0 to 600000, is -1"],
    [{ slowStartMs: Number.NaN }, RangeError, "slowStartMs"],
    [{ subsetSize: 1.5 }, RangeError, "subsetSize"],
    [{ maxEjectionMs: 500 }, RangeError, "at least ejectionMs (1000)"],
    [{ healthWatch: 1 }, TypeError, "healthWatch must be a boolean"],
    [{ healthCheckConfig: { serviceName: 1 } }, TypeError, "healthCheckConfig.serviceName must be a string"],
    [{ healthCheckConfig: { service: "" } }, TypeError, 'no setting "healthCheckConfig.service"'],
    [{ slow_start_ms: 1 }, TypeError, 'no setting "slow_start_ms"'],
    [[], TypeError, "config must be an object"],
    [null, TypeError, "config must be an object"],
  ])("refuses %j", (json, kind, text) => {
    expect(() => readSettings(json)).toThrow(kind);
    expect(() => readSettings(json)).toThrow(text);
  });
});

describe("holdfastServiceConfig()", () => {
  test("is what grpc-js takes, and what was given", () => {
    expect(JSON.parse(holdfastServiceConfig({ subsetSize: 2 }))).toEqual({
      loadBalancingConfig: [{ holdfast: { subsetSize: 2 } }],
    });
  });

  test("throws where the channel is built", () => {
    expect(() => holdfastServiceConfig({ subsetSize: -2 })).toThrow(RangeError);
  });
});

describe("PolicyConfig", () => {
  test("keeps a mistake instead of throwing it, since grpc-js would go on with pick_first", () => {
    expect(PolicyConfig.createFromJson({ subsetSize: "all" }).settings).toBeInstanceOf(TypeError);
    expect(PolicyConfig.createFromJson({ subsetSize: 1 }).settings).toMatchObject({ subsetSize: 1 });
  });
});
