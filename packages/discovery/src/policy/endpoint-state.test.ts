// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { endpointState } from "./endpoint-state.ts";

describe("endpointState()", () => {
  const well = { ready: true, serving: true, draining: false, ejected: false, silent: false, failed: false } as const;

  test.each([
    ["ready", {}],
    ["connecting", { ready: false }],
    ["failing", { ready: false, failed: true }],
    ["connecting", { serving: undefined }],
    ["not-serving", { serving: false, silent: true }],
    ["draining", { draining: true, serving: false }],
    ["silent", { silent: true, ejected: true }],
    ["ejected", { ejected: true }],
  ] as const)("is %s with %j", (expected, changes) => {
    expect(endpointState({ ...well, ...changes }, true)).toBe(expected);
  });

  test("S7: is slow-starting while cold", () => {
    expect(endpointState(well, false)).toBe("slow-starting");
  });
});
