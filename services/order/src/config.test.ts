import { describe, expect, test } from "vitest";
import { readConfig } from "./config.ts";

const required = {
  DATABASE_URL: "postgresql://order:x@127.0.0.1:5432/order",
  PRODUCT_TARGET: "k8s:///product-service.products:grpc",
  PAYMENT_TARGET: "k8s:///payment-service.payments:grpc",
};

describe("readConfig()", () => {
  test("has defaults that nest: a call ends before its lease, and a drain before Ctrl-C's promise", () => {
    const config = readConfig(required);
    expect(config.LISTEN).toBe("127.0.0.1:50053");
    expect(config.STEP_TIMEOUT_MS).toBeLessThan(config.LEASE_MS);
    expect(config.DRAIN_MS).toBeLessThan(5_000);
  });

  test.each(["DATABASE_URL", "PRODUCT_TARGET", "PAYMENT_TARGET"])("has no default for %s", (name) => {
    expect(() => readConfig({ ...required, [name]: "" })).toThrow(name);
  });

  test.each([
    ["a price that CreateOrder could not wait for", { PRICING_TIMEOUT_MS: "9501" }, "PRICING_TIMEOUT_MS"],
    ["a price that takes as long as the contract allows anyway", { PRICING_TIMEOUT_MS: "5000" }, "BatchGetProducts"],
    ["an address where a name belongs", { PAYMENT_TARGET: "127.0.0.1:50051" }, "PAYMENT_TARGET"],
    ["a name without a port", { PRODUCT_TARGET: "k8s:///product-service.products" }, "no port"],
    ["a name that is none", { PRODUCT_TARGET: "k8s:///product_service:grpc" }, "product_service"],
    ["a DNS server by name", { CLUSTER_DNS: "10.0.0.10,dns.example" }, "CLUSTER_DNS"],
    ["a domain that is none", { CLUSTER_DOMAIN: "cluster local" }, "CLUSTER_DOMAIN"],
    ["a namespace that is none", { POD_NAMESPACE: "Orders_1" }, "POD_NAMESPACE"],
    ["one attempt as long as all", { PRICING_ATTEMPT_MS: "1951" }, "PRICING_ATTEMPT_MS"],
    ["a wait for resolvers that leaves no time to drain", { DRAIN_RESOLVERS_MS: "2001" }, "DRAIN_RESOLVERS_MS"],
    ["a step that takes longer than the contract allows", { STEP_TIMEOUT_MS: "8001" }, "STEP_TIMEOUT_MS"],
  ])("refuses %s", (_, settings, problem) => {
    expect(() => readConfig({ ...required, ...settings })).toThrow(problem);
  });

  test("refuses a lease that may end during a call", () => {
    expect(() => readConfig({ ...required, STEP_TIMEOUT_MS: "5000", LEASE_MS: "5499" })).toThrow("LEASE_MS");
    expect(readConfig({ ...required, STEP_TIMEOUT_MS: "5000", LEASE_MS: "5500" }).LEASE_MS).toBe(5_500);
  });
});
