import { Endpoint_State as State } from "@holdfast/contracts/ecommerce/admin/v1/admin_service";
import type { TargetReport } from "@holdfast/discovery/policy/report";
import { expect, test } from "vitest";
import { adminHandlers } from "./admin.ts";

const reports: TargetReport[] = [
  {
    target: "k8s:///payment-service.payments:grpc",
    resolution: { ageMs: 1_000, note: "2 endpoints" },
    endpoints: [
      {
        address: "10.0.0.1:50051",
        state: "ready",
        stateAgeMs: 2_000,
        inFlight: 3,
        calls: 17,
        share: 0.75,
        ejections: 1,
      },
      {
        address: "10.0.0.2:50051",
        state: "failing",
        stateAgeMs: 3_000,
        inFlight: 0,
        calls: 0,
        share: 0,
        ejections: 0,
        error: "ECONNREFUSED",
      },
    ],
  },
  { target: "k8s:///product-service.products:grpc", resolution: undefined, endpoints: [] },
];

const handlers = adminHandlers(
  () => reports,
  () => 10_000,
);
const ask = (nameContains: string) => handlers.listTargets({ nameContains }, {} as never);

test("tells what the policy reports", async () => {
  expect(await ask("")).toEqual({
    targets: [
      {
        name: "k8s:///payment-service.payments:grpc",
        resolveTime: new Date(9_000),
        resolutionNote: "2 endpoints",
        endpoints: [
          {
            address: "10.0.0.1:50051",
            state: State.STATE_READY,
            stateTime: new Date(8_000),
            inFlight: 3,
            callCount: 17n,
            share: 0.75,
            ejectionCount: 1,
            error: "",
          },
          {
            address: "10.0.0.2:50051",
            state: State.STATE_FAILING,
            stateTime: new Date(7_000),
            inFlight: 0,
            callCount: 0n,
            share: 0,
            ejectionCount: 0,
            error: "ECONNREFUSED",
          },
        ],
      },
      { name: "k8s:///product-service.products:grpc", resolveTime: undefined, resolutionNote: "", endpoints: [] },
    ],
  });
});

test("tells of the targets whose name contains what is asked for", async () => {
  const { targets = [] } = await ask("product");
  expect(targets.map(({ name }) => name)).toEqual(["k8s:///product-service.products:grpc"]);
});
