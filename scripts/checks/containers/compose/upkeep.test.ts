import { describe, expect, test } from "vitest";
import { withService } from "../repo-files.fixture.ts";

const POLICY = 'needs a policy, or "no" for what ends by itself';

describe("upkeep", () => {
  test.each([
    [{ restart: undefined }, "restart", `restart is nothing: ${POLICY}`],
    [{ restart: "sometimes" }, "restart", `restart is sometimes: ${POLICY}`],
    [{ healthcheck: undefined }, "health", "has no health check"],
    [{ healthcheck: { disable: true } }, "health", "has no health check"],
    [{ healthcheck: { test: ["NONE"] } }, "health", "has no health check"],
    [{ healthcheck: { test: ["CMD"] } }, "health", "its health check has no command"],
    [{ healthcheck: { test: "node probe.ts" } }, "health", "its health check runs in a shell: needs [CMD, …]"],
    [{ healthcheck: { test: ["CMD-SHELL", "node x"] } }, "health", "its health check runs in a shell: needs [CMD, …]"],
    [{ healthcheck: { test: ["CMD", "/bin/sh", "-c", "node x"] } }, "health", "its health check runs /bin/sh"],
    [{ healthcheck: { test: ["CMD", "env", "bash", "x"] } }, "health", "its health check runs bash"],
    [{ depends_on: ["payment"] }, "depends-on", "is a list: needs a condition for each"],
    [{ depends_on: { payment: { restart: true } } }, "depends-on", "payment has no condition"],
    [{ depends_on: { payment: null } }, "depends-on", "payment has no condition"],
  ])("%j: %s", (options, rule, message) => {
    expect(withService("order", options)).toEqual([{ rule, where: "services.order", message }]);
  });

  test("asks no health of what ends by itself", () => {
    expect(withService("order", { restart: "no", healthcheck: undefined })).toEqual([]);
  });
});
