import { describe, expect, test } from "vitest";
import { formatEndpoints } from "./format-endpoints.ts";

const now = Date.parse("2026-01-01T00:10:00Z");

describe("formatEndpoints()", () => {
  test("shows a line for each instance that is called", () => {
    const text = formatEndpoints(
      {
        name: "order",
        target: "127.0.0.1:50053",
        targets: [
          {
            name: "k8s:///payment-service.payments:grpc",
            resolveTime: "2026-01-01T00:09:57Z",
            resolutionNote: "2 endpoints",
            endpoints: [
              {
                address: "127.0.0.1:50051",
                state: "STATE_SLOW_STARTING",
                stateTime: "2026-01-01T00:00:00Z",
                inFlight: 2,
                callCount: "1200",
                share: 0.614,
                ejectionCount: 1,
              },
              { address: "127.0.0.1:50061", state: "STATE_FAILING", error: "connect ECONNREFUSED" },
            ],
          },
        ],
      },
      now,
    );
    expect(text.split("\n")).toEqual([
      "order (127.0.0.1:50053) calls",
      "  k8s:///payment-service.payments:grpc  (looked up 3 s ago: 2 endpoints)",
      "    address          state          for     in flight  calls  share  ejections",
      "    127.0.0.1:50051  slow-starting  10 min  2          1200   61 %   1",
      "    127.0.0.1:50061  failing                0          0      0 %    0          connect ECONNREFUSED",
    ]);
  });

  test("says so when nothing is called", () => {
    const text = formatEndpoints({ name: "payment", target: "127.0.0.1:1", targets: [] });
    expect(text).toBe("payment (127.0.0.1:1) calls no other service");
  });

  test("says so when nothing is known yet, and when it has had no calls for long, or nobody was found", () => {
    const rested = { name: "k8s:///y:1", resolveTime: "2026-01-01T00:00:00Z", resolutionNote: "2 endpoints" };
    const text = formatEndpoints(
      { name: "order", target: "127.0.0.1:1", targets: [{ name: "k8s:///x:1" }, rested] },
      now,
    );
    expect(text.split("\n")).toEqual([
      "order (127.0.0.1:1) calls",
      "  k8s:///x:1  (not resolved yet)",
      "  k8s:///y:1  (looked up 10 min ago: 2 endpoints)",
      "    no connections: there were no calls for long, or nobody was found",
    ]);
  });
});
