import { describe, expect, test } from "vitest";
import { Config as Edge } from "../../../../services/edge/src/config.ts";
import { Config as Order } from "../../../../services/order/src/config.ts";
import { Config as Payment } from "../../../../services/payment/src/config.ts";
import { Config as PaymentProvider } from "../../../../services/payment-provider/src/config.ts";
import { Config as Product } from "../../../../services/product/src/config.ts";
import { withService } from "../repo-files.fixture.ts";
import { DEFAULT_DRAIN_MS } from "./limits.ts";

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
    [{ stop_grace_period: "3s" }, GRACE, "3s to stop is not longer than DRAIN_MS: 4000"],
    [{ stop_grace_period: "4s" }, GRACE, "4s to stop is not longer than DRAIN_MS: 4000"],
    [{ stop_grace_period: "3s", environment: { DRAIN_MS: "" } }, GRACE, "3s to stop is not longer than DRAIN_MS: 4000"],
    [{ environment: { DRAIN_MS: 12_000 } }, GRACE, "6s to stop is not longer than DRAIN_MS: 12000"],
    [{ environment: ["DRAIN_MS=20000"] }, GRACE, "6s to stop is not longer than DRAIN_MS: 20000"],
    [{ stop_grace_period: undefined }, GRACE, "10s to stop is longer than 7s"],
  ])("%j: %s", (options, rule, message) => {
    expect(withService("order", options)).toEqual([{ rule, where: "services.order", message }]);
  });

  test.each([
    ["edge", Edge],
    ["order", Order],
    ["payment", Payment],
    ["payment-provider", PaymentProvider],
    ["product", Product],
  ] as const)("take for %s the time to drain that it has as it comes", (_, { shape }) => {
    expect(shape.DRAIN_MS.parse(undefined)).toBe(DEFAULT_DRAIN_MS);
  });

  test("are as good in another form", () => {
    const deploy = { resources: { limits: { memory: "256M", pids: 100 } } };
    expect(withService("order", { mem_limit: undefined, pids_limit: undefined, deploy })).toEqual([]);
    expect(withService("order", { memswap_limit: "256m" })).toEqual([]);
    expect(withService("order", { stop_grace_period: "3s", environment: { DRAIN_MS: "2000" } })).toEqual([]);
  });
});
