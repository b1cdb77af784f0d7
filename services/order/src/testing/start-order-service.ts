import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { type Connected, connect, serve } from "@holdfast/rpc";
import { paymentsOverGrpc } from "../adapters/payments-over-grpc.ts";
import { stockOverGrpc } from "../adapters/stock-over-grpc.ts";
import type { OpenStoreOptions } from "../adapters/open-store.ts";
import { orderHandlers } from "../order-handlers.ts";
import { type SagaWorker, startSagaWorker } from "../worker/saga-worker.ts";
import { type FakePayment, startFakePayment } from "./fake-payment.ts";
import { type FakeProduct, startFakeProduct } from "./fake-product.ts";
import { openTestStore, testLog, type TestStore } from "./open-test-store.ts";

/** The service inside the test's process: real handlers, real database, real gRPC, fake neighbours. */
export interface TestOrderService extends AsyncDisposable {
  readonly client: Connected<typeof OrderServiceDefinition>;
  readonly target: string;
  readonly store: TestStore;
  readonly product: FakeProduct;
  readonly payment: FakePayment;
  /** Starts a worker; stopped with the service. */
  startWorker(options?: { store?: Pick<TestStore, "sagaOrders" | "subscribeToWork">; pollMs?: number }): SagaWorker;
}

interface Options extends Partial<OpenStoreOptions["config"]> {
  STEP_TIMEOUT_MS?: number;
  PRICING_TIMEOUT_MS?: number;
  HEARTBEAT_MS?: number;
  STREAM_POLL_MS?: number;
}

/** Starts it, without a worker: orders stay PENDING until there is one. */
export async function startOrderService(options: Options = {}): Promise<TestOrderService> {
  const { STEP_TIMEOUT_MS: timeoutMs = 5_000, PRICING_TIMEOUT_MS: pricingMs = 4_000 } = options;
  const stack = new AsyncDisposableStack();
  const store = stack.use(await openTestStore(options));
  const product = stack.use(await startFakeProduct());
  const payment = stack.use(await startFakePayment());
  const methodTimeoutsMs = { batchGetProducts: pricingMs };
  const products = stack.use(connect(ProductServiceDefinition, product.target, { timeoutMs, methodTimeoutsMs }));
  const payments = stack.use(connect(PaymentServiceDefinition, payment.target, { timeoutMs }));
  const config = { HEARTBEAT_MS: options.HEARTBEAT_MS ?? 15_000, STREAM_POLL_MS: options.STREAM_POLL_MS ?? 5_000 };
  const handlers = orderHandlers({ store, products, config });
  const server = stack.use(await serve(OrderServiceDefinition, handlers, { listen: "127.0.0.1:0", log: testLog }));
  const target = `127.0.0.1:${server.port}`;
  const client = stack.use(connect(OrderServiceDefinition, target, { timeoutMs: 20_000 }));

  const startWorker: TestOrderService["startWorker"] = ({ store: own = store, pollMs = 500 } = {}) => {
    const news = own.subscribeToWork();
    const worker = startSagaWorker({
      orders: own.sagaOrders,
      stock: stockOverGrpc(products),
      payments: paymentsOverGrpc(payments),
      news,
      pollMs,
      concurrency: 16,
      stepTimeoutMs: timeoutMs,
      log: testLog,
      now: Date.now,
      random: Math.random,
    });
    stack.defer(() => worker.stop({ graceMs: 0 }));
    return worker;
  };
  return {
    client,
    target,
    store,
    product,
    payment,
    startWorker,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
