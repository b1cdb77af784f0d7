import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, createFileRegistry, type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, type Timestamp, timestampFromDate, timestampDate } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { descriptors } from "@holdfast/contracts/descriptors";
import type { Contender } from "./contender.ts";
import { MESSAGES_PER_STREAM, PRODUCT } from "./payload.ts";

// protobuf-es works from descriptors, whether generated code brings them or, as here, the contracts' own file.
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
const service = registry.getService("ecommerce.product.v1.ProductService");
if (service === undefined) throw new Error("The contracts have no product service");

/** @connectrpc/connect-node, both sides, with the gRPC protocol over HTTP/2. */
export const contender: Contender = {
  async serve() {
    const response = create(messageType("GetProductResponse"), { product: productInit() });
    const page = create(messageType("ListProductsResponse"), { products: [productInit()] });
    const handlers = {
      getProduct: async () => response,
      async *listProducts() {
        for (let sent = 0; sent < MESSAGES_PER_STREAM; sent++) yield page;
      },
    };
    // Without generated types the library cannot know which method has which shape.
    const server = createServer(
      connectNodeAdapter({ routes: (router) => router.service(service, handlers as object) }),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return {
      port: (server.address() as AddressInfo).port,
      [Symbol.asyncDispose]: async () => void server.close(),
    };
  },

  connect({ port }) {
    const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` });
    const client = createClient(service, transport) as unknown as ProductClient;
    return {
      getProduct: () => client.getProduct({ productId: PRODUCT.id }),
      async listProducts(onMessage) {
        for await (const message of client.listProducts({})) onMessage(message);
      },
      plain,
      // The library closes an idle connection by itself, and its timer does not hold the process.
      [Symbol.dispose]: () => undefined,
    };
  },
};

interface ProductClient {
  getProduct(request: { productId: string }): Promise<Message>;
  listProducts(request: object): AsyncIterable<Message>;
}

function messageType(name: string): DescMessage {
  const type = registry.getMessage(`ecommerce.product.v1.${name}`);
  if (type === undefined) throw new Error(`The contracts have no message "${name}"`);
  return type;
}

function productInit(): object {
  return {
    ...PRODUCT,
    price: { ...PRODUCT.price, minorUnits: BigInt(PRODUCT.price.minorUnits) },
    createTime: timestampFromDate(new Date(PRODUCT.createTime)),
    updateTime: timestampFromDate(new Date(PRODUCT.updateTime)),
  };
}

interface DecodedProduct {
  [field: string]: unknown;
  price: { currencyCode: string; minorUnits: bigint };
  createTime: Timestamp;
  updateTime: Timestamp;
}

function plain(answer: unknown): unknown {
  const { product, products } = answer as { product?: DecodedProduct; products?: DecodedProduct[] };
  const found = product ?? products?.[0];
  if (found === undefined) return undefined;
  const { $typeName: _, price, createTime, updateTime, ...rest } = found;
  return {
    ...rest,
    price: { currencyCode: price.currencyCode, minorUnits: String(price.minorUnits) },
    createTime: timestampDate(createTime).toISOString(),
    updateTime: timestampDate(updateTime).toISOString(),
  };
}
