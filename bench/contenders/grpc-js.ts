import { once } from "node:events";
import {
  Client,
  credentials,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type sendUnaryData,
} from "@grpc/grpc-js";
import {
  type GetProductRequest,
  type GetProductResponse,
  type ListProductsRequest,
  type ListProductsResponse,
  ProductServiceDefinition,
} from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Contender } from "./contender.ts";
import { MESSAGES_PER_STREAM, PAGE, PRODUCT, plainOf, RESPONSE } from "./payload.ts";

/** grpc-js as it comes, with the codecs that ts-proto generated. */
export const contender: Contender = {
  async serve({ interceptors = [] }) {
    const server = new Server({ interceptors });
    server.addService({ getProduct, listProducts }, { getProduct: answer, listProducts: streamPages });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
    return { port: await promise, [Symbol.asyncDispose]: async () => server.forceShutdown() };
  },

  connect({ port, interceptors = [] }) {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { interceptors });
    const { path, requestSerialize, responseDeserialize } = getProduct;
    return {
      getProduct: () =>
        new Promise((resolve, reject) => {
          const request = { productId: PRODUCT.id };
          client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) =>
            error === null ? resolve(response) : reject(error),
          );
        }),
      listProducts: (onMessage) =>
        new Promise((resolve, reject) => {
          const { path, requestSerialize, responseDeserialize } = listProducts;
          const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, LIST);
          call.on("data", onMessage).on("end", resolve).on("error", reject);
        }),
      plain: (response) => plainOf(response as GetProductResponse),
      [Symbol.dispose]: () => client.close(),
    };
  },
};

const LIST = ProductServiceDefinition.methods.listProducts.requestType.fromPartial({});

const getProduct = definition<GetProductRequest, GetProductResponse>(ProductServiceDefinition.methods.getProduct);
const listProducts = definition<ListProductsRequest, ListProductsResponse>(
  ProductServiceDefinition.methods.listProducts,
);

function answer(_call: unknown, callback: sendUnaryData<GetProductResponse>): void {
  callback(null, RESPONSE);
}

function streamPages(call: ServerWritableStream<unknown, ListProductsResponse>): void {
  // A stream that the client has left is an error here; the client's side of the benchmark tells what it missed.
  sendPages(call).catch((error: Error) => call.destroy(error));
}

async function sendPages(call: ServerWritableStream<unknown, ListProductsResponse>): Promise<void> {
  for (let sent = 0; sent < MESSAGES_PER_STREAM; sent++) {
    if (!call.write(PAGE)) await once(call, "drain");
  }
  call.end();
}

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/** A method as ts-proto's own grpc-js services have it. */
function definition<Request, Response>(method: {
  name: string;
  requestType: Codec<Request>;
  requestStream: boolean;
  responseType: Codec<Response>;
  responseStream: boolean;
}): MethodDefinition<Request, Response> {
  const { name, requestType, requestStream, responseType, responseStream } = method;
  return {
    path: `/${ProductServiceDefinition.fullName}/${name}`,
    requestStream,
    responseStream,
    requestSerialize: (request) => Buffer.from(requestType.encode(request).finish()),
    requestDeserialize: (bytes) => requestType.decode(bytes),
    responseSerialize: (response) => Buffer.from(responseType.encode(response).finish()),
    responseDeserialize: (bytes) => responseType.decode(bytes),
  };
}
