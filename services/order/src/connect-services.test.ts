import { startClusterDns } from "@holdfast/discovery/dns-server/cluster-dns";
import { client } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { readConfig } from "./config.ts";
import { connectServices } from "./connect-services.ts";

const NOBODY = [{ hostname: "nobody", ipv4: "127.0.0.1", port: 1 }];

describe("connectServices()", () => {
  test("tells which channel is for what, since the catalogue has two", async () => {
    await using dns = await startClusterDns();
    dns.set([
      { service: "product-service", namespace: "products", portName: "grpc", instances: NOBODY },
      { service: "payment-service", namespace: "payments", portName: "grpc", instances: NOBODY },
    ]);
    const config = readConfig({
      DATABASE_URL: "postgresql://order:x@127.0.0.1:1/order",
      PRODUCT_TARGET: "k8s:///product-service.products:grpc",
      PAYMENT_TARGET: "k8s:///payment-service.payments:grpc",
      CLUSTER_DNS: dns.server,
    });
    const chain = [client.context(), client.errors(), client.deadline()];
    using services = connectServices(config, { pricing: chain, step: chain });
    const { catalogue, products, payments, targets } = services;
    await Promise.allSettled([
      catalogue.batchGetProducts({ productIds: ["prod_1"] }),
      products.getProduct({ productId: "prod_1" }),
      payments.getTransactionStatus({ customerId: "ada", idempotencyKey: "k" }),
    ]);
    expect(targets().map(({ target }) => target)).toEqual([
      "k8s:///payment-service.payments:grpc for steps",
      "k8s:///product-service.products:grpc for prices",
      "k8s:///product-service.products:grpc for steps",
    ]);
  });
});
