import { expect, test } from "vitest";
import { clusterServices } from "./cluster-services.ts";
import type { ServiceName } from "./programs.ts";
import type { Instance } from "./service-instances.ts";

const instance = (name: string, service: ServiceName, serving: boolean) =>
  ({ name, service, serving, port: 1_000 + name.length }) as Instance;

test("clusterServices() knows every service, and of each the instances that serve", () => {
  const all = [
    instance("order", "order", true),
    instance("order-1", "order", false),
    instance("payment", "payment", true),
  ];
  const services = clusterServices({ of: (name) => all.filter(({ service }) => service === name) });
  expect(services).toEqual([
    {
      service: "payment-service",
      namespace: "payments",
      portName: "grpc",
      instances: [{ hostname: "payment", ipv4: "127.0.0.1", port: 1_007 }],
    },
    { service: "product-service", namespace: "products", portName: "grpc", instances: [] },
    {
      service: "order-service",
      namespace: "orders",
      portName: "grpc",
      instances: [{ hostname: "order", ipv4: "127.0.0.1", port: 1_005 }],
    },
  ]);
});
