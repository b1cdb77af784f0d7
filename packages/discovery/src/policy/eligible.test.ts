// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eligible, type Standing } from "./eligible.ts";

const GOOD: Standing = { ready: true, serving: true, draining: false, ejected: false, silent: false };
const host = (name: string, changes: Partial<Standing> = {}) => ({ name, ...GOOD, ...changes });
const names = (endpoints: readonly { name: string }[]): string => endpoints.map(({ name }) => name).join(" ");

describe("eligible()", () => {
  test("leaves out who is not connected, not serving, draining, ejected or silent", () => {
    const all = [
      host("a"),
      host("b"),
      host("c"),
      host("down", { ready: false }),
      host("sick", { serving: false }),
      host("unknown", { serving: undefined }),
      host("draining", { draining: true }),
      host("ejected", { ejected: true }),
      host("silent", { silent: true }),
    ];
    const { candidates, others } = eligible(all);
    expect(names(candidates)).toBe("a b c");
    expect(names(others)).toBe("ejected");
  });

  test("S9: gives ejections up when more than half look bad", () => {
    const ejected = { ejected: true };
    expect(names(eligible([host("a"), host("b", ejected)]).candidates)).toBe("a");
    expect(names(eligible([host("a"), host("b", ejected), host("c", ejected)]).candidates)).toBe("a b c");
    // Of those that answer: one that is frozen does not bring back one that fails.
    const mixed = [host("a"), host("b", ejected), host("c", { silent: true })];
    expect(names(eligible(mixed).candidates)).toBe("a");
    expect(names(eligible(mixed).others)).toBe("b");
  });

  test("S9: a panic overrules neither silence nor what a server says of itself", () => {
    const silent = { silent: true };
    const all = [host("a"), host("b", silent), host("c", silent), host("sick", { serving: false })];
    expect(names(eligible(all).candidates)).toBe("a");
  });

  test("fails open: the certainty goes last", () => {
    const ejected = host("ejected", { ejected: true });
    const all = [
      host("unknown", { serving: undefined }),
      host("silent", { silent: true }),
      host("sick", { serving: false }),
      host("down", { ready: false }),
    ];
    expect(names(eligible([ejected, ...all]).candidates)).toBe("ejected");
    expect(names(eligible(all).candidates)).toBe("unknown");
    expect(names(eligible(all.slice(1)).candidates)).toBe("silent");
    expect(names(eligible(all.slice(2)).candidates)).toBe("sick");
    expect(names(eligible(all.slice(3)).candidates)).toBe("");
  });

  test("is never empty while one is connected", () => {
    const standing = fc.record({
      ready: fc.boolean(),
      serving: fc.constantFrom(true, false, undefined),
      draining: fc.boolean(),
      ejected: fc.boolean(),
      silent: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(standing, { maxLength: 8 }), (all) => {
        const { candidates } = eligible(all);
        expect(candidates.length > 0).toBe(all.some(({ ready }) => ready));
        expect(candidates.every(({ ready }) => ready)).toBe(true);
      }),
    );
  });
});
