import { defineConfig } from "vitest/config";

const common = {
  pool: "forks",
  // A test that passes the second time has failed.
  retry: 0,
} as const;

/** Against the whole system, as real processes: one file after the other, since they share it. */
const system = { ...common, fileParallelism: false, globalSetup: ["./e2e/setup.ts"], hookTimeout: 60_000 };

export default defineConfig({
  test: {
    // Much of the time is waiting for processes and leases: two files at once use a small machine better.
    maxWorkers: 2,
    slowTestThreshold: 3_000,
    projects: [
      {
        test: {
          ...common,
          name: "unit",
          include: ["{packages,services,scripts,bench}/**/*.test.ts", "examples/*/*.test.{js,ts}"],
          globalSetup: ["./packages/testkit/src/postgres-setup.ts"],
          testTimeout: 15_000,
          hookTimeout: 30_000,
        },
      },
      { test: { ...system, name: "e2e", include: ["e2e/*.e2e.ts", "e2e/bad-input/*.e2e.ts"], testTimeout: 60_000 } },
      // With grpcurl, which npm does not bring.
      { test: { ...system, name: "grpcurl", include: ["e2e/grpcurl/*.e2e.ts"], testTimeout: 60_000 } },
      // With DNS servers that npm does not bring.
      {
        test: {
          ...common,
          name: "dns",
          include: ["e2e/dns/*.e2e.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      // With a Docker engine and base images.
      {
        test: {
          ...common,
          name: "containers",
          include: ["e2e/containers/*.e2e.ts"],
          globalSetup: ["./e2e/containers/setup.ts"],
          fileParallelism: false,
          testTimeout: 600_000,
        },
      },
      // Ten minutes and more each, by hand: their figures stand in docs/numbers.md.
      {
        test: {
          ...common,
          name: "soak",
          include: ["e2e/soak/*.e2e.ts"],
          fileParallelism: false,
          testTimeout: 1_800_000,
        },
      },
      // What the system must show under load and faults: minutes each.
      {
        test: {
          ...common,
          name: "long",
          include: ["e2e/long/*.e2e.ts"],
          fileParallelism: false,
          testTimeout: 1_200_000,
        },
      },
    ],
  },
});
