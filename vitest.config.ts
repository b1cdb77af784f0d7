import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{packages,services,scripts}/**/*.test.ts"],
    globalSetup: ["./packages/testkit/src/postgres-setup.ts"],
    pool: "forks",
    // A test that passes the second time has failed.
    retry: 0,
    testTimeout: 15_000,
    hookTimeout: 30_000,
    // Each step waits for a condition; a test that takes longer than this is worth a look.
    slowTestThreshold: 3_000,
  },
});
