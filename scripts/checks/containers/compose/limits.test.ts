import { describe, expect, test } from "vitest";
import { withService } from "../repo-files.fixture.ts";

const GRACE = "stop-grace-period";

describe("limits", () => {
  test.each([
    [{ mem_limit: undefined }, "memory", "has no limit of memory"],
    [{ mem_limit: 0 }, "memory", "has no limit of memory"],
    [{ memswap_limit: -1 }, "swap", "has no limit of swap"],
    [{ memswap_limit: "0" }, "swap", "has no limit of swap"],
    [{ pids_limit: undefined }, "pids", "has no limit of processes"],
    [{ pids_limit: -1 }, "pids", "has no limit of processes"],
    [{ stop_grace_period: "16s" }, GRACE, "16s to stop is longer than 7s"],
    [{ stop_grace_period: "1m30s" }, GRACE, "1m30s to stop is longer than 7s"],
    [{ stop_grace_period: "soon" }, GRACE, "soon is no duration"],
    [{ environment: { DRAIN_MS: 12_000 } }, GRACE, "6s to stop is not longer than DRAIN_MS: 12000"],
    [{ environment: ["DRAIN_MS=20000"] }, GRACE, "6s to stop is not longer than DRAIN_MS: 20000"],
    [{ stop_grace_period: undefined }, GRACE, "10s to stop is longer than 7s"],
  ])("%j: %s", (options, rule, message) => {
    expect(withService("order", options)).toEqual([{ rule, where: "services.order", message }]);
  });

  test("are as good under deploy", () => {
    const deploy = { resources: { limits: { memory: "256M", pids: 100 } } };
    expect(withService("order", { mem_limit: undefined, pids_limit: undefined, deploy })).toEqual([]);
    expect(withService("order", { memswap_limit: "256m" })).toEqual([]);
  });
});
