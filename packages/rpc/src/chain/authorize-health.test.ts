import { AdminServiceDefinition } from "@holdfast/contracts/ecommerce/admin/v1/admin_service";
import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { HealthDefinition } from "@holdfast/contracts/grpc/health/v1/health";
import { ServerReflectionDefinition } from "@holdfast/contracts/grpc/reflection/v1/reflection";
import { describe, expect, test } from "vitest";
import { type ClientPart, client, connect, Status, server } from "../index.ts";
import { aServer } from "../testing/a-server.ts";

const staff = { roles: ["staff"] };
const own = { createOrder: staff, getOrder: staff, listOrders: staff, cancelOrder: staff, streamOrderUpdates: staff };
const rules = { ...own, listTargets: staff };
const REFLECTION = "/grpc.reflection.v1.ServerReflection/*";

/** The token of a call is the one role of its caller. */
const verify = ({ token = "" }) => ({ id: "somebody", roles: [token] });

function closed({ publicMethods = [] }: { publicMethods?: string[] } = {}) {
  const outer = [server.guard(), server.context(), server.drain(), server.deadline()];
  const who = [server.authenticate({ verify, publicMethods }), server.authorize({ rules })];
  const getOrder = async () => ({ order: undefined });
  return aServer({ getOrder }, { chain: [...outer, ...who, server.validation(), server.errors()] });
}

const anybody = [client.deadline()];
const as = (role: string): ClientPart[] => [client.deadline(), client.auth({ token: async () => ({ value: role }) })];

async function services(target: string, chain: ClientPart[]) {
  using reflection = connect(ServerReflectionDefinition, target, { chain });
  const ask = async function* () {
    yield { host: "", listServices: "" };
  };
  for await (const { listServicesResponse } of reflection.serverReflectionInfo(ask())) {
    return listServicesResponse?.service.length;
  }
  throw new Error("No answer");
}

describe("a server that authenticates and authorizes", () => {
  test("tells anybody how it is", async () => {
    await using server = await closed();
    using health = connect(HealthDefinition, server.target, { chain: anybody });
    expect(await health.check({ service: "" })).toMatchObject({ status: 1 });
  });

  test.each([
    ["nobody", anybody, Status.UNAUTHENTICATED],
    ["a role that is not allowed", as("guest"), Status.PERMISSION_DENIED],
  ])("refuses %s", async (_, chain, code) => {
    await using server = await closed();
    using orders = connect(OrderServiceDefinition, server.target, { chain });
    await expect(orders.getOrder({ orderId: "ord_1" })).rejects.toMatchObject({ code });
  });

  test("answers who has the role", async () => {
    await using server = await closed();
    using orders = connect(OrderServiceDefinition, server.target, { chain: as("staff") });
    await expect(orders.getOrder({ orderId: "ord_1" })).resolves.toBeDefined();
  });

  test("tells staff, and nobody else, what it calls", async () => {
    await using server = await closed();
    using admin = connect(AdminServiceDefinition, server.target, { chain: as("staff") });
    await expect(admin.listTargets({})).resolves.toEqual({ targets: [] });
    using guest = connect(AdminServiceDefinition, server.target, { chain: as("guest") });
    await expect(guest.listTargets({})).rejects.toMatchObject({ code: Status.PERMISSION_DENIED });
  });

  test("tells whoever is known what it can do, whatever the role", async () => {
    await using server = await closed();
    expect(await services(server.target, as("guest"))).toBe(5);
    await expect(services(server.target, anybody)).rejects.toMatchObject({ code: Status.UNAUTHENTICATED });
  });

  test("tells anybody, where that is said", async () => {
    await using server = await closed({ publicMethods: [REFLECTION] });
    expect(await services(server.target, anybody)).toBe(5);
  });
});
