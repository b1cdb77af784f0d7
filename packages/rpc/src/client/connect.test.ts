import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { afterEach, expect, test, vi } from "vitest";
import { aServer } from "../testing/a-server.ts";
import { connect } from "./connect.ts";

afterEach(() => vi.unstubAllEnvs());

test("connect() goes to the service itself, not to the proxy that the environment has for the way out", async () => {
  vi.stubEnv("http_proxy", "http://127.0.0.1:1");
  vi.stubEnv("no_proxy", "");
  await using server = await aServer({ getOrder: async () => ({ order: undefined }) });
  using orders = connect(OrderServiceDefinition, server.target);
  expect(await orders.getOrder({ orderId: "ord_1" })).toEqual({ order: undefined });
});
