import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { createLogger } from "@holdfast/process";
import { metrics } from "@opentelemetry/api";
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { afterEach, describe, expect, test } from "vitest";
import { leastChain } from "../chain/least-chain.ts";
import { client, connect, RpcError, Status, server } from "../index.ts";
import { aServer } from "../testing/a-server.ts";
import { openTelemetry } from "./open-telemetry.ts";

/** An SDK as a process registers one, except that what it exports stays here. */
function registerSdk() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
  metrics.setGlobalMeterProvider(provider);
  return {
    async read(): Promise<MetricData[]> {
      await provider.forceFlush();
      return (
        exporter
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? []
      );
    },
    [Symbol.asyncDispose]: () => provider.shutdown(),
  };
}

afterEach(() => metrics.disable());

const silent = createLogger({ service: "test", level: "silent" });

/** How often each metric was written to, with its unit, its kind and its labels. */
function shown(data: readonly MetricData[]) {
  const rows = data.flatMap(({ descriptor: { name, unit }, dataPointType, dataPoints }) =>
    dataPoints.map(({ value, attributes }) => {
      const times = typeof value === "number" ? value : value.count;
      return [name, { unit, kind: DataPointType[dataPointType], times, labels: attributes }] as const;
    }),
  );
  return rows.toSorted(([a, x], [b, y]) => `${a} ${JSON.stringify(x)}`.localeCompare(`${b} ${JSON.stringify(y)}`));
}

function histogramOf(data: readonly MetricData[], name: string) {
  const found = data.find(({ descriptor }) => descriptor.name === name);
  if (found?.dataPointType !== DataPointType.HISTOGRAM) throw new Error(`${name} is no histogram`);
  return found.dataPoints.map(({ value }) => value);
}

describe("metrics of openTelemetry()", () => {
  test("T3: of a call that is sent again arrive in the SDK, under the names and with the units and labels of A66 and A96", async () => {
    await using sdk = registerSdk();
    await using stack = new AsyncDisposableStack();
    let calls = 0;
    const getOrder = async () => {
      calls += 1;
      if (calls === 1) throw new RpcError(Status.UNAVAILABLE, "OVERLOADED", "Not now");
      return { order: undefined };
    };
    const [guard, context, ...inner] = leastChain();
    if (guard === undefined || context === undefined) throw new Error("There is no least chain");
    const telemetry = openTelemetry(silent);
    const { target } = stack.use(
      await aServer({ getOrder }, { chain: [guard, context, server.telemetry(), ...inner] }),
    );
    const chain = [
      client.context(),
      client.callTelemetry({ telemetry }),
      client.deadline(),
      client.retry({ baseDelayMs: 5, maxDelayMs: 5 }),
      client.attemptTelemetry({ telemetry }),
    ];
    const orders = stack.use(connect(OrderServiceDefinition, target, { chain }));
    await orders.getOrder({ orderId: "ord_1" });

    const method = { "grpc.method": "ecommerce.order.v1.OrderService/GetOrder" };
    const own = { ...method, "grpc.target": target };
    const ok = { "grpc.status": "OK" };
    const failed = { "grpc.status": "UNAVAILABLE" };
    const once = (unit: string, labels: object) => ({ unit, kind: "HISTOGRAM", times: 1, labels });
    expect(shown(await sdk.read())).toEqual([
      ["grpc.client.attempt.duration", once("s", { ...own, ...ok })],
      ["grpc.client.attempt.duration", once("s", { ...own, ...failed })],
      ["grpc.client.attempt.rcvd_total_compressed_message_size", once("By", { ...own, ...ok })],
      ["grpc.client.attempt.rcvd_total_compressed_message_size", once("By", { ...own, ...failed })],
      ["grpc.client.attempt.sent_total_compressed_message_size", once("By", { ...own, ...ok })],
      ["grpc.client.attempt.sent_total_compressed_message_size", once("By", { ...own, ...failed })],
      ["grpc.client.attempt.started", { unit: "{attempt}", kind: "SUM", times: 2, labels: own }],
      ["grpc.client.call.duration", once("s", { ...own, ...ok })],
      ["grpc.client.call.retries", once("{retry}", own)],
      ["grpc.client.call.retry_delay", once("s", own)],
      ["grpc.server.call.duration", once("s", { ...method, ...ok })],
      ["grpc.server.call.duration", once("s", { ...method, ...failed })],
      ["grpc.server.call.started", { unit: "{call}", kind: "SUM", times: 2, labels: method }],
    ]);
  });

  test.each([
    ["grpc.client.call.hedges", "{hedge}"],
    ["grpc.server.call.sent_total_compressed_message_size", "By"],
    ["grpc.server.call.rcvd_total_compressed_message_size", "By"],
    ["somebody.elses", ""],
  ])("T3: %s has the unit %j", async (name, unit) => {
    await using sdk = registerSdk();
    openTelemetry(silent).record(name, 1, {});
    expect(shown(await sdk.read())).toEqual([[name, { unit, kind: "HISTOGRAM", times: 1, labels: {} }]]);
  });

  test.each([
    ["grpc.client.attempt.duration", [0.003, 0.03, 0.3, 3]],
    ["grpc.client.attempt.sent_total_compressed_message_size", [500, 5_000, 50_000, 5_000_000]],
    ["grpc.client.call.retries", [1, 2, 3, 4]],
  ])("T3: values of %s that differ much are told apart", async (name, values) => {
    await using sdk = registerSdk();
    const telemetry = openTelemetry(silent);
    for (const value of values) telemetry.record(name, value, {});
    const [histogram] = histogramOf(await sdk.read(), name);
    expect(histogram?.buckets.counts.filter((count) => count > 0)).toEqual(values.map(() => 1));
    expect(histogram?.sum).toBeCloseTo(values.reduce((sum, value) => sum + value, 0));
  });

  test("arrive as well when the SDK is registered after the first call", async () => {
    const telemetry = openTelemetry(silent);
    telemetry.count("grpc.server.call.started", {});
    telemetry.record("grpc.server.call.duration", 0.1, {});
    await using sdk = registerSdk();
    telemetry.count("grpc.server.call.started", {}, 3);
    telemetry.record("grpc.server.call.duration", 0.1, {});
    expect(shown(await sdk.read())).toMatchObject([
      ["grpc.server.call.duration", { times: 1 }],
      ["grpc.server.call.started", { times: 3 }],
    ]);
  });
});

describe("the log of openTelemetry()", () => {
  test.each([
    ["server", "ecommerce.order.v1.OrderService/GetOrder", "info"],
    ["server", "grpc.health.v1.Health/Check", "debug"],
    ["client", "ecommerce.order.v1.OrderService/GetOrder", "debug"],
  ] as const)("T4: has one line for a call of the %s to %s, at level %s", (side, method, level) => {
    const lines: string[] = [];
    const log = createLogger({ service: "test", level: "trace", destination: { write: (line) => lines.push(line) } });
    const call = {
      side,
      method,
      trace_id: "t",
      span_id: "s",
      request_id: "r",
      peer: "p",
      code: "OK",
      ms: 1,
      attempts: 1,
    };
    openTelemetry(log).log?.(call);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ level, msg: "call", call }]);
  });

  test("T4: a request in it has everything but what the contract marks", async () => {
    const lines: string[] = [];
    const log = createLogger({ service: "test", level: "trace", destination: { write: (line) => lines.push(line) } });
    const [guard, context, ...inner] = leastChain();
    if (guard === undefined || context === undefined) throw new Error("There is no least chain");
    const chain = [guard, context, server.telemetry({ logRequests: true }), ...inner];
    await using running = await aServer({ createOrder: async () => ({ order: undefined }) }, { log, chain });
    using orders = connect(OrderServiceDefinition, running.target);
    const items = [{ productId: "prod_1", quantity: 1 }];
    const request = { customerId: "cus_1", idempotencyKey: "key-1", items, paymentMethod: "pm_card_ok" };
    await orders.createOrder(request);
    const calls = lines.flatMap((line) => (JSON.parse(line) as { call?: unknown }).call ?? []);
    expect(calls).toMatchObject([{ code: "OK", request: { ...request, paymentMethod: "[redacted]" } }]);
    expect(lines.join("")).not.toContain("pm_card_ok");
  });

  test("T2: has the span with the ids that went on the wire", () => {
    const lines: string[] = [];
    const log = createLogger({ service: "test", level: "trace", destination: { write: (line) => lines.push(line) } });
    const ids = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
    const span = { name: "a/B", kind: "server", ...ids, startMs: 1, endMs: 2, error: false, attributes: {} } as const;
    openTelemetry(log).span(span);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ level: "trace", span }]);
  });
});
