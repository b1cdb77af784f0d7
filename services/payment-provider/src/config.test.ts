import { ConfigError } from "@holdfast/process";
import { describe, expect, test } from "vitest";
import { readConfig } from "./config.ts";

describe("readConfig()", () => {
  test("needs a file, and has defaults for the rest", () => {
    expect(readConfig({ PROVIDER_FILE: "/data/effects.ndjson" })).toEqual({
      PROVIDER_LISTEN: { host: "127.0.0.1", port: 50059 },
      PROVIDER_FILE: "/data/effects.ndjson",
      PROVIDER_MODE: "ok",
      PROVIDER_IGNORE_IDEMPOTENCY_KEYS: false,
      SLOW_MS: 2_000,
      DRAIN_MS: 4_000,
      LOG_LEVEL: "info",
    });
  });

  test("lets a slow request end before the drain does", () => {
    const config = readConfig({ PROVIDER_FILE: "f" });
    expect(config.DRAIN_MS).toBeGreaterThan(config.SLOW_MS);
  });

  test.each(["0.0.0.0:0", "[::1]:50059", "localhost:65535"])("listens on %s", (listen) => {
    expect(readConfig({ PROVIDER_FILE: "f", PROVIDER_LISTEN: listen }).PROVIDER_LISTEN.host).not.toContain("[");
  });

  test.each(["50059", ":50059", "a:b", "a:65536", "::1:1 "])("does not listen on %s", (listen) => {
    expect(() => readConfig({ PROVIDER_FILE: "f", PROVIDER_LISTEN: listen })).toThrow(ConfigError);
  });
});
