import { once } from "node:events";
import { constants, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { connect, RemoteError, Status } from "@holdfast/rpc";
import { describe, expect, test } from "vitest";
import { followOrder } from "./follow-order.ts";
import { isPassing } from "./is-passing.ts";
import { jumpingClock } from "./jumping-clock.fixture.ts";
import { persistence } from "./persistence.ts";
import { placeOrder } from "./place-order.ts";

const { signal } = new AbortController();

/** A service that was frozen for long: its server refuses streams, for so many were cancelled meanwhile. */
async function aServerOutOfBreath() {
  await using resources = new AsyncDisposableStack();
  const server = createServer().on("stream", (stream) => {
    stream.on("error", () => undefined); // that it was closed so, which is what is wanted
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });
  resources.defer(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const orders = resources.use(connect(OrderServiceDefinition, `127.0.0.1:${port}`, { timeoutMs: 5_000 }));
  const clock = jumpingClock();
  const patience = persistence({ clock, signal, giveUpAfterMs: 3_000 });
  const open = resources.move();
  return { orders, clock, persistence: patience, signal, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

describe("isPassing()", () => {
  test("takes a stream that the server never handled for a lost connection: an order is not refused", async () => {
    await using deps = await aServerOutOfBreath();
    const order = { name: "1", invoiceNo: "1", isReturn: false, time: 0, customerId: "1", items: [], totalPence: 1n };
    const options = { ...deps, paymentMethod: "pm_card_ok", run: "r1", productIds: new Map<string, string>() };
    expect(await placeOrder(order, options)).toMatchObject({
      kind: "given up",
      error: { code: Status.RESOURCE_EXHAUSTED, reason: "" },
    });
    expect(deps.persistence.faults.get(Status.RESOURCE_EXHAUSTED)).toBeGreaterThan(1);
  });

  test("does so while an order is followed", async () => {
    await using deps = await aServerOutOfBreath();
    expect(await followOrder("ord_1", deps)).toMatchObject({ kind: "not terminal" });
    expect(deps.persistence.faults.get(Status.RESOURCE_EXHAUSTED)).toBeGreaterThan(1);
  });

  test("takes what a service gives as its reason for an answer", () => {
    for (const reason of ["RATE_LIMITED", "OVERLOADED"]) {
      expect(isPassing(new RemoteError(Status.RESOURCE_EXHAUSTED, "Slow down", { reason }))).toBe(false);
    }
  });
});
