import {
  type GetProductResponse,
  ProductServiceDefinition,
} from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { createLogger } from "@holdfast/process";
import { connect, type Handlers, serve } from "@holdfast/rpc";
import type { Contender } from "./contender.ts";
import { PRODUCT, plainOf } from "./payload.ts";
import { handlers } from "./product-handlers.ts";

/** `serve` and `connect` of packages/rpc as our services use them: everything that makes a call safe is on. */
export const contender: Contender = {
  async serve() {
    const log = createLogger({ service: "bench", level: "silent" });
    const server = await serve(ProductServiceDefinition, { ...unused, ...handlers }, { listen: "127.0.0.1:0", log });
    server.health.set(true);
    return server;
  },

  connect({ port }) {
    const client = connect(ProductServiceDefinition, `127.0.0.1:${port}`, { timeoutMs: 10_000 });
    return {
      getProduct: () => client.getProduct({ productId: PRODUCT.id }),
      async listProducts(onMessage) {
        for await (const message of client.listProducts({})) onMessage(message);
      },
      plain: (response) => plainOf(response as GetProductResponse),
      [Symbol.dispose]: () => client[Symbol.dispose](),
    };
  },
};

function refuse(): never {
  throw new Error("No benchmark calls this");
}

const unused: Handlers<typeof ProductServiceDefinition> = {
  getProduct: refuse,
  batchGetProducts: refuse,
  listProducts: refuse,
  createProduct: refuse,
  importProducts: refuse,
  watchStock: refuse,
  reserveStock: refuse,
  commitStock: refuse,
  releaseStock: refuse,
};
