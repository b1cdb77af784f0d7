import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { client, connect, type Discovery, RemoteError, Status } from "@holdfast/rpc";

const STREAMS = 20;

export interface RollingLoadOptions {
  targets: { readonly payment: string; readonly product: string; readonly order: string };
  /** Finds the instances of targets that are names. */
  discovery?: Discovery;
  /** Calls per second of each kind; a slow charge takes two seconds at the provider. */
  rates: { getProduct: number; getOrder: number; status: number; createOrder: number; slowCharge: number };
  /** For a service that has one instance, and so none while that is replaced. @default false */
  waitForReady?: boolean;
}

type Kind = keyof RollingLoadOptions["rates"];

export interface RollingLoad {
  /** Calls made so far. */
  readonly calls: number;
  readonly failures: readonly string[];
  /** Customers, each with the keys of the orders that were accepted. */
  readonly orders: ReadonlyMap<string, readonly string[]>;
  /** Keys of the charges that were made directly, by customer. */
  readonly charges: readonly { customerId: string; key: string }[];
  /** How often a stream was resumed, and what it missed or repeated. */
  readonly streams: { resumed: number; wrong: string[] };
  /** Makes no more calls, and resolves when all have ended. */
  stop(): Promise<void>;
}

/** Calls all three services at a constant rate, as good clients do, and follows the orders of some customers. */
export async function rollingLoad(options: RollingLoadOptions): Promise<RollingLoad> {
  const { targets, discovery, rates, waitForReady = false } = options;
  const chain = [client.context(), client.errors(), client.deadline(), client.retry({ commitOn: "message" })];
  const connectOptions = { chain, ...(discovery && { discovery }) };
  const products = connect(ProductServiceDefinition, targets.product, connectOptions);
  const payments = connect(PaymentServiceDefinition, targets.payment, connectOptions);
  const orders = connect(OrderServiceDefinition, targets.order, connectOptions);
  const patient = { waitForReady };

  const { product } = await products.createProduct({
    name: "Lantern",
    sku: `ROLL-${randomUUID()}`,
    price: { currencyCode: "GBP", minorUnits: 250n },
    stock: 1_000_000,
    idempotencyKey: randomUUID(),
  });
  const productId = product?.id ?? "";
  const customers = Array.from({ length: STREAMS }, () => `rolling-${randomUUID()}`);
  const accepted = new Map<string, string[]>(customers.map((customer) => [customer, []]));
  const orderIds: string[] = [];
  const charges: { customerId: string; key: string }[] = [];
  const failures: string[] = [];
  const streams = { resumed: 0, wrong: [] as string[] };
  let calls = 0;

  const createOrder = async () => {
    const customerId = customers[calls % customers.length] ?? "";
    const idempotencyKey = randomUUID();
    const items = [{ productId, quantity: 1 }];
    const request = { customerId, items, idempotencyKey, paymentMethod: "pm_card_ok" };
    const { order } = await orders.createOrder(request, patient);
    accepted.get(customerId)?.push(order?.id ?? "");
    orderIds.push(order?.id ?? "");
  };
  const slowCharge = async () => {
    const charge = { customerId: `rolling-${randomUUID()}`, key: randomUUID() };
    const amount = { currencyCode: "GBP", minorUnits: 250n };
    const request = {
      customerId: charge.customerId,
      amount,
      idempotencyKey: charge.key,
      orderId: `ord_${randomUUID().replaceAll("-", "")}`,
      paymentMethod: "pm_card_slow",
    };
    const { transaction } = await payments.charge(request, patient);
    if (transaction === undefined) throw new Error("Charge answered without a transaction");
    charges.push(charge);
  };
  await createOrder();
  await slowCharge();
  const [known = { customerId: "", key: "" }] = charges;

  const kinds: Record<Kind, () => Promise<unknown>> = {
    getProduct: () => products.getProduct({ productId }, patient),
    getOrder: () => orders.getOrder({ orderId: orderIds[calls % orderIds.length] ?? "" }, patient),
    status: () => payments.getTransactionStatus({ customerId: known.customerId, idempotencyKey: known.key }, patient),
    createOrder,
    slowCharge,
  };
  const leaving = new AbortController();
  const underWay = new Set<Promise<void>>();
  const make = (kind: Kind) => {
    calls += 1;
    const call = kinds[kind]().then(
      () => undefined,
      (error: Error) => void failures.push(`${kind}: ${describe(error)}`),
    );
    underWay.add(call);
    void call.then(() => underWay.delete(call));
  };

  /** Open loop: a call is due whether or not the earlier ones have ended. */
  const offer = async (kind: Kind) => {
    const began = performance.now();
    for (let made = 0; !leaving.signal.aborted; ) {
      const due = ((performance.now() - began) * rates[kind]) / 1_000;
      for (; made < due; made += 1) make(kind);
      await wait(5);
    }
  };
  /** Follows a customer for as long as there is load: what ends is resumed where it ended. */
  const follow = async (customerId: string) => {
    let last = 0n;
    while (!leaving.signal.aborted) {
      try {
        const request = { customerId, afterSequence: last };
        for await (const { event } of orders.streamOrderUpdates(request, { ...patient, signal: leaving.signal })) {
          if (event === undefined) continue;
          if (event.customerSequence !== last + 1n) streams.wrong.push(`${event.customerSequence} after ${last}`);
          last = event.customerSequence;
        }
      } catch (error) {
        if (leaving.signal.aborted) return;
        const expected = error instanceof RemoteError && error.code === Status.UNAVAILABLE;
        if (!expected) failures.push(`stream: ${describe(error as Error)}`);
      }
      streams.resumed += 1;
    }
  };
  const following = customers.map(follow);
  const offering = (Object.keys(rates) as Kind[]).map(offer);
  return {
    get calls() {
      return calls;
    },
    failures,
    orders: accepted,
    charges,
    streams,
    async stop() {
      leaving.abort();
      await Promise.all([...offering, ...following]);
      await Promise.all(underWay);
      for (const one of [products, payments, orders]) one[Symbol.dispose]();
    },
  };
}

function describe(error: Error): string {
  return error instanceof RemoteError ? `${Status[error.code]} ${error.reason ?? ""} ${error.message}` : String(error);
}
