import { ProductServiceDefinition, Reservation_State } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { createLogger } from "@holdfast/process";
import { RpcError, serve, Status } from "@holdfast/rpc";
import { type Script, scripted } from "./script.ts";

interface FakeProductRow {
  name: string;
  price: { currencyCode: string; minorUnits: bigint };
}

/** A product service of a few lines: a catalogue in memory, endless stock, and one reservation an order. */
export interface FakeProduct extends AsyncDisposable {
  readonly target: string;
  readonly catalogue: Map<string, FakeProductRow>;
  readonly reservations: Map<string, "RESERVED" | "COMMITTED" | "RELEASED">;
  /** What happens to calls; set it to misbehave. */
  script: Script;
  /** Calls received, such as "reserveStock". */
  readonly calls: string[];
}

/** Serves it on a free port, or on the given one. */
export async function startFakeProduct(port = 0): Promise<FakeProduct> {
  const catalogue = new Map<string, FakeProductRow>([
    ["prod_a", { name: "White hanging heart", price: { currencyCode: "GBP", minorUnits: 255n } }],
    ["prod_b", { name: "Cake stand", price: { currencyCode: "GBP", minorUnits: 1_275n } }],
    ["prod_euro", { name: "Lunch bag", price: { currencyCode: "EUR", minorUnits: 165n } }],
    ["prod_dear", { name: "Yacht", price: { currencyCode: "GBP", minorUnits: 10_000_000_000n } }],
  ]);
  const reservations: FakeProduct["reservations"] = new Map();
  const fake = { catalogue, reservations, script: {}, calls: [] } as Pick<
    FakeProduct,
    "catalogue" | "reservations" | "script" | "calls"
  >;
  const run = scripted(fake);
  const unimplemented = () => {
    throw new RpcError(Status.UNIMPLEMENTED, "UNIMPLEMENTED", "The fake has no such method");
  };
  const released = (orderId: string) =>
    new RpcError(Status.FAILED_PRECONDITION, "RESERVATION_RELEASED", "It was released", { order_id: orderId });
  const answer = (orderId: string) => ({
    reservation: { orderId, state: Reservation_State[`STATE_${reservations.get(orderId) ?? "UNSPECIFIED"}`] },
  });

  const server = await serve(
    ProductServiceDefinition,
    {
      getProduct: unimplemented,
      listProducts: unimplemented,
      createProduct: unimplemented,
      importProducts: unimplemented,
      watchStock: unimplemented,
      batchGetProducts: ({ productIds }, { signal }) =>
        run("batchGetProducts", "", signal, () => ({
          results: productIds.map((productId) => {
            const found = catalogue.get(productId);
            return { productId, product: found && { id: productId, ...found } };
          }),
        })),
      reserveStock: ({ orderId }, { signal }) =>
        run("reserveStock", orderId, signal, () => {
          if (reservations.get(orderId) === "RELEASED") throw released(orderId);
          if (!reservations.has(orderId)) reservations.set(orderId, "RESERVED");
          return answer(orderId);
        }),
      commitStock: ({ orderId }, { signal }) =>
        run("commitStock", orderId, signal, () => {
          const state = reservations.get(orderId);
          if (state === "RELEASED") throw released(orderId);
          if (state === undefined) throw new RpcError(Status.NOT_FOUND, "RESERVATION_NOT_FOUND", "It is not there");
          reservations.set(orderId, "COMMITTED");
          return answer(orderId);
        }),
      releaseStock: ({ orderId }, { signal }) =>
        run("releaseStock", orderId, signal, () => {
          if (reservations.get(orderId) === "COMMITTED") {
            throw new RpcError(Status.FAILED_PRECONDITION, "RESERVATION_COMMITTED", "It is sold");
          }
          reservations.set(orderId, "RELEASED");
          return answer(orderId);
        }),
    },
    { listen: `127.0.0.1:${port}`, log: createLogger({ service: "fake-product", level: "silent" }) },
  );
  server.health.set(true);
  return Object.assign(fake, {
    target: `127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  });
}
