import { setTimeout as wait } from "node:timers/promises";
import { Client, credentials, Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { GetOrderRequest, OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as Serving,
} from "@holdfast/contracts/grpc/health/v1/health";
import { describe, expect, test } from "vitest";
import { connect, RemoteError, RpcError, Status } from "../index.ts";
import { leastChain } from "../chain/least-chain.ts";
import { aServer } from "../testing/a-server.ts";
import { rawCall } from "../testing/raw-call.ts";

const GET_ORDER = "/ecommerce.order.v1.OrderService/GetOrder";

function client(target: string, timeoutMs = 5_000) {
  return connect(OrderServiceDefinition, target, { timeoutMs });
}

/** Resolves when the signal is aborted, rejects with its reason. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

describe("deadlines", () => {
  test("go on the wire: a raw grpc-js server sees a finite one", async () => {
    const raw = new Server();
    const seen: number[] = [];
    const asIs = (value: Buffer) => value;
    const method = { path: GET_ORDER, requestStream: false, responseStream: false } as const;
    const codec = {
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
    raw.addService(
      { getOrder: { ...method, ...codec } },
      {
        getOrder: (call: { getDeadline(): number | Date }, callback: (error: object) => void) => {
          seen.push(Number(call.getDeadline()) - Date.now());
          callback({ code: status.NOT_FOUND });
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) =>
      raw.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    using orders = client(`127.0.0.1:${port}`, 800);
    await expect(orders.getOrder({ orderId: "ord_1" })).rejects.toBeInstanceOf(RemoteError);
    raw.forceShutdown();
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeGreaterThan(0);
    expect(seen[0]).toBeLessThanOrEqual(800);
  });

  test("shrink hop by hop over three services, though no handler passes them on", async () => {
    const left: number[] = [];
    const note = (deadline: number) => left.push(deadline - Date.now());
    await using c = await aServer({
      getOrder: async (_, { deadline }) => {
        note(deadline);
        return { order: undefined };
      },
    });
    using toC = client(c.target);
    await using b = await aServer({
      getOrder: async (request, { deadline }) => {
        note(deadline);
        return await toC.getOrder(request);
      },
    });
    using toB = client(b.target);
    await using a = await aServer({
      getOrder: async (request, { deadline }) => {
        note(deadline);
        return await toB.getOrder(request);
      },
    });
    using toA = client(a.target);
    await toA.getOrder({ orderId: "ord_1" }, { deadline: Date.now() + 1_000 });
    const [first = 0, second = 0, third = 0] = left;
    expect(first).toBeLessThanOrEqual(1_000);
    expect(second).toBeLessThanOrEqual(first - 25);
    expect(third).toBeLessThanOrEqual(second - 25);
    expect(third).toBeGreaterThan(0);
  });

  test("are given by the server to a call that came without one", async () => {
    await using server = await aServer(
      { getOrder: (_, { signal }) => aborted(signal) },
      { chain: leastChain({ deadline: { unaryMaxMs: 150 } }) },
    );
    const raw = new Client(server.target, credentials.createInsecure());
    const asIs = (value: Buffer) => value;
    const request = Buffer.from(GetOrderRequest.encode({ orderId: "ord_1" }).finish());
    const code = await new Promise((resolve) =>
      raw.makeUnaryRequest(GET_ORDER, asIs, asIs, request, new Metadata(), (error) => resolve(error?.code)),
    );
    raw.close();
    expect(code).toBe(Status.DEADLINE_EXCEEDED);
  });

  test("abort the handler's signal, and the caller gets an answer even from a handler that ignores it", async () => {
    let reason: unknown;
    await using server = await aServer({
      getOrder: async (_, { signal }) => {
        await aborted(signal).catch((error: unknown) => {
          reason = error;
        });
        return { order: undefined };
      },
    });
    using orders = client(server.target);
    const call = orders.getOrder({ orderId: "ord_1" }, { deadline: Date.now() + 100 });
    await expect(call).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    await expect.poll(() => reason).toBeInstanceOf(Error);
  });

  test("that have passed start nothing", async () => {
    using orders = client("127.0.0.1:1");
    const call = orders.getOrder({ orderId: "ord_1" }, { deadline: Date.now() - 1 });
    await expect(call).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
  });
});

describe("cancellation", () => {
  test("reaches the last of three hops", async () => {
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    await using c = await aServer({
      getOrder: async (_, { signal }) => {
        reach();
        return await aborted(signal).finally(end);
      },
    });
    using toC = client(c.target);
    await using b = await aServer({ getOrder: (request) => toC.getOrder(request) });
    using toB = client(b.target);
    await using a = await aServer({ getOrder: (request) => toB.getOrder(request) });
    using toA = client(a.target);
    const caller = new AbortController();
    const call = toA.getOrder({ orderId: "ord_1" }, { signal: caller.signal });
    await reached;
    caller.abort();
    await expect(call).rejects.toMatchObject({ code: Status.CANCELLED });
    await ended;
  });
});

describe("requests that break the contract", () => {
  const valid = Buffer.from(GetOrderRequest.encode({ orderId: "ord_1" }).finish());

  test.each([
    ["a field that breaks its rule", GetOrderRequest.encode({ orderId: "nonsense" }).finish(), "VALIDATION_FAILED"],
    ["an empty message", Buffer.alloc(0), "VALIDATION_FAILED"],
    ["truncated bytes", valid.subarray(0, -1), "MALFORMED_REQUEST"],
    ["a length of 0xFFFFFFFF without bytes", Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]), "MALFORMED_REQUEST"],
    ["a string that is not UTF-8", Buffer.from([0x0a, 0x02, 0xc3, 0x28]), "MALFORMED_REQUEST"],
    ["a wire type that the field has not", Buffer.from([0x0d, 1, 2, 3]), "MALFORMED_REQUEST"],
  ])("are refused: %s", async (_, bytes, reason) => {
    let handled = 0;
    await using server = await aServer({
      getOrder: async () => {
        handled += 1;
        return { order: undefined };
      },
    });
    const answer = await rawCall(server.target, GET_ORDER, bytes);
    expect(answer).toMatchObject({ code: Status.INVALID_ARGUMENT, reason });
    expect(answer.violations).toHaveLength(1);
    expect(handled).toBe(0);
    expect(await rawCall(server.target, GET_ORDER, valid)).toMatchObject({ code: 0 });
  });
});

describe("errors", () => {
  test("leave as google.rpc.Status, and an unexpected one tells nothing", async () => {
    await using server = await aServer({
      getOrder: async ({ orderId }) => {
        if (orderId === "ord_gone") throw new RpcError(Status.NOT_FOUND, "ORDER_NOT_FOUND", "Cannot get", { a: "b" });
        throw new Error("select * from secrets");
      },
    });
    using orders = client(server.target);
    const gone = orders.getOrder({ orderId: "ord_gone" });
    await expect(gone).rejects.toMatchObject({
      code: Status.NOT_FOUND,
      reason: "ORDER_NOT_FOUND",
      metadata: { a: "b" },
    });
    const broken = orders.getOrder({ orderId: "ord_1" });
    await expect(broken).rejects.toMatchObject({ code: Status.INTERNAL, reason: "INTERNAL" });
    await expect(broken).rejects.not.toThrow(/secrets/);
  });

  test("thrown in the middle of a stream reach the client after what was sent", async () => {
    await using server = await aServer({
      async *streamOrderUpdates() {
        yield { event: undefined, heartbeatTime: new Date(0) };
        throw new RpcError(Status.FAILED_PRECONDITION, "PRICE_CHANGED", "Cannot");
      },
    });
    using orders = client(server.target);
    const received: unknown[] = [];
    const read = async () => {
      for await (const message of orders.streamOrderUpdates({ orderId: "ord_1" })) received.push(message);
    };
    await expect(read()).rejects.toMatchObject({ reason: "PRICE_CHANGED" });
    expect(received).toHaveLength(1);
  });
});

describe("health", () => {
  test("answers Check, List and Watch, and tells watchers at once", async () => {
    await using server = await aServer({});
    using health = connect(HealthDefinition, server.target, { timeoutMs: 5_000 });
    const name = OrderServiceDefinition.fullName;
    expect(await health.check({ service: name })).toEqual({ status: Serving.SERVING });
    await expect(health.check({ service: "unknown" })).rejects.toMatchObject({
      code: Status.NOT_FOUND,
      reason: "SERVICE_UNKNOWN",
      metadata: { service: "unknown" },
    });
    expect((await health.list({})).statuses).toEqual({
      "": { status: Serving.SERVING },
      [name]: { status: Serving.SERVING },
    });
    const states: number[] = [];
    for await (const { status: state } of health.watch({ service: name })) {
      states.push(state);
      if (states.length === 2) break;
      server.health.set(false);
    }
    expect(states).toEqual([Serving.SERVING, Serving.NOT_SERVING]);
  });

  test("Watch answers SERVICE_UNKNOWN for a name that is not there", async () => {
    await using server = await aServer({});
    using health = connect(HealthDefinition, server.target, { timeoutMs: 5_000 });
    for await (const { status: state } of health.watch({ service: "unknown" })) {
      expect(state).toBe(Serving.SERVICE_UNKNOWN);
      break;
    }
  });
});

describe("drain()", () => {
  test("lets a call under way finish, ends streams with DRAINING, and takes no new call", async () => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { promise: go, resolve: release } = Promise.withResolvers<void>();
    await using server = await aServer({
      getOrder: async () => {
        start();
        await go;
        return { order: undefined };
      },
      async *streamOrderUpdates(_, { signal }) {
        yield { event: undefined, heartbeatTime: new Date(0) };
        await aborted(signal);
      },
    });
    using orders = client(server.target);
    const call = orders.getOrder({ orderId: "ord_1" });
    await started;
    const stream = orders.streamOrderUpdates({ orderId: "ord_1" })[Symbol.asyncIterator]();
    await stream.next();
    const drained = server.drain({ graceMs: 5_000 });
    await expect(stream.next()).rejects.toMatchObject({ code: Status.UNAVAILABLE, reason: "DRAINING" });
    release();
    await expect(call).resolves.toEqual({ order: undefined });
    await drained;
    using late = client(server.target, 300);
    await expect(late.getOrder({ orderId: "ord_1" })).rejects.toBeInstanceOf(RemoteError);
  });

  test("cuts what is still under way after the grace", async () => {
    await using server = await aServer({ getOrder: () => wait(60_000, { order: undefined }, { ref: false }) });
    using orders = client(server.target);
    const call = orders.getOrder({ orderId: "ord_1" });
    call.catch(() => "asserted below");
    await wait(50);
    await server.drain({ graceMs: 50 });
    await expect(call).rejects.toMatchObject({ code: Status.UNAVAILABLE, reason: "DRAINING" });
  });
});
