import { ConfigError } from "@holdfast/process";
import { describe, expect, test } from "vitest";
import { readConfig } from "./config.ts";

const required = { DATABASE_URL: "postgresql://product:x@127.0.0.1:5432/product" };

describe("readConfig()", () => {
  test("has a default for all but the database", () => {
    expect(readConfig(required)).toMatchObject({ LISTEN: "127.0.0.1:50052", DRAIN_MS: 4_000, DRAIN_RESOLVERS_MS: 0 });
    expect(() => readConfig({})).toThrow("DATABASE_URL");
  });

  test("refuses a wait for resolvers that leaves no time to drain", () => {
    expect(() => readConfig({ ...required, DRAIN_RESOLVERS_MS: "2001" })).toThrow(ConfigError);
    expect(readConfig({ ...required, DRAIN_RESOLVERS_MS: "2000" }).DRAIN_RESOLVERS_MS).toBe(2_000);
  });
});
