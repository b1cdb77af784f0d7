import type { ServerOptions } from "@grpc/grpc-js";
import {
  type GetProductResponse,
  ProductServiceDefinition,
} from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { interceptChannel } from "@holdfast/rpc/intercept-channel";
import { createChannel, createClient, createServer } from "nice-grpc";
import type { Contender } from "./contender.ts";
import { PRODUCT, plainOf } from "./payload.ts";
import { handlers } from "./product-handlers.ts";

const { getProduct, listProducts } = ProductServiceDefinition.methods;
const Definition = { ...ProductServiceDefinition, methods: { getProduct, listProducts } } as const;

const byPath = new Map(
  Object.values(Definition.methods).map((method) => [`/${Definition.fullName}/${method.name}`, method]),
);
const methodAt = (path: string) => byPath.get(path);

/** nice-grpc as it comes, with the codecs that ts-proto generated. */
export const contender: Contender = {
  async serve({ interceptors = [] }) {
    const options: ServerOptions = { interceptors };
    const server = createServer(options);
    server.add(Definition, handlers);
    const port = await server.listen("127.0.0.1:0");
    return { port, [Symbol.asyncDispose]: async () => server.forceShutdown() };
  },

  connect({ port, interceptors = [] }) {
    const channel = createChannel(`127.0.0.1:${port}`);
    // Its client takes no interceptors: without any, the channel is the library's own.
    const used = interceptors.length === 0 ? channel : interceptChannel(channel, interceptors, { methods: methodAt });
    const client = createClient(Definition, used);
    return {
      getProduct: () => client.getProduct({ productId: PRODUCT.id }),
      async listProducts(onMessage) {
        for await (const message of client.listProducts({})) onMessage(message);
      },
      plain: (response) => plainOf(response as GetProductResponse),
      [Symbol.dispose]: () => channel.close(),
    };
  },
};
