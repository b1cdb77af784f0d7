import { ConfigError } from "@holdfast/process";
import { describe, expect, test } from "vitest";
import { readConfig } from "./config.ts";

const required = { DATABASE_URL: "postgresql://p:x@127.0.0.1/payment", PROVIDER_URL: "http://127.0.0.1:50059" };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("readConfig()", () => {
  test("has defaults for all but the database and the provider", () => {
    expect(readConfig(required)).toMatchObject({ LISTEN: "127.0.0.1:50051", PROVIDER_TIMEOUT_MS: 3_000 });
    expect(problemsOf({}).map((problem) => problem.split(":")[0])).toEqual(["DATABASE_URL", "PROVIDER_URL"]);
  });

  test("refuses a provider that is no web address", () => {
    expect(problemsOf({ ...required, PROVIDER_URL: "127.0.0.1:50059" })).toHaveLength(1);
  });

  test.each(["LEASE_MS", "PROVIDER_SETTLE_MS"])("refuses a %s that a request to the provider could outlive", (name) => {
    expect(problemsOf({ ...required, [name]: "3999" })).toEqual([expect.stringContaining(`${name}: must be at least`)]);
    expect(problemsOf({ ...required, [name]: "4000" })).toEqual([]);
  });

  test("refuses a request to the provider that the calls could not wait for", () => {
    const longer = { LEASE_MS: "20000", PROVIDER_SETTLE_MS: "20000" };
    const problems = problemsOf({ ...required, ...longer, PROVIDER_TIMEOUT_MS: "7001" });
    expect(problems).toEqual([expect.stringContaining("/Charge"), expect.stringContaining("/Refund")]);
    expect(problemsOf({ ...required, ...longer, PROVIDER_TIMEOUT_MS: "7000" })).toEqual([]);
  });

  test("refuses a wait for resolvers that leaves no time to drain", () => {
    expect(problemsOf({ ...required, DRAIN_RESOLVERS_MS: "2001" })).toEqual([
      expect.stringContaining("a half of DRAIN_MS"),
    ]);
    expect(problemsOf({ ...required, DRAIN_RESOLVERS_MS: "2000" })).toEqual([]);
  });
});
