import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import {
  GetProductRequest,
  GetProductResponse,
  ListProductsRequest,
  ListProductsResponse,
} from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Contender } from "./contender.ts";
import { Kind, onFrames, sendFrame } from "./frames.ts";
import { MESSAGES_PER_STREAM, PAGE, PRODUCT, plainOf, RESPONSE } from "./payload.ts";

/**
 * Length-prefixed protobuf over one socket: the floor under every protocol. It has no metadata, no status, no deadline,
 * no cancellation and no flow control per call.
 */
export const contender: Contender = {
  async serve() {
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      // Every stream that has to wait for the socket to drain listens to it.
      socket.setMaxListeners(0);
      socket.on("error", () => socket.destroy());
      onFrames(socket, ({ kind, id, bytes }) => {
        if (kind === Kind.Call) {
          GetProductRequest.decode(bytes);
          sendFrame(socket, Kind.Message, id, GetProductResponse.encode(RESPONSE).finish());
        } else {
          ListProductsRequest.decode(bytes);
          void stream(socket, id);
        }
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const close = async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
    return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
  },

  connect({ port }) {
    const socket = createConnection({ host: "127.0.0.1", port, noDelay: true });
    const waiting = new Map<number, (kind: number, bytes: Buffer) => void>();
    onFrames(socket, ({ kind, id, bytes }) => waiting.get(id)?.(kind, bytes));
    let lastId = 0;
    return {
      getProduct: () =>
        new Promise((resolve) => {
          const id = ++lastId;
          waiting.set(id, (_, bytes) => {
            waiting.delete(id);
            resolve(GetProductResponse.decode(bytes));
          });
          sendFrame(socket, Kind.Call, id, GetProductRequest.encode({ productId: PRODUCT.id }).finish());
        }),
      listProducts: (onMessage) =>
        new Promise((resolve) => {
          const id = ++lastId;
          waiting.set(id, (kind, bytes) => {
            if (kind === Kind.Message) return onMessage(ListProductsResponse.decode(bytes));
            waiting.delete(id);
            resolve();
          });
          sendFrame(socket, Kind.Stream, id, ListProductsRequest.encode(LIST).finish());
        }),
      plain: (response) => plainOf(response as GetProductResponse),
      [Symbol.dispose]: () => socket.destroy(),
    };
  },
};

const LIST = ListProductsRequest.fromPartial({});

async function stream(socket: Socket, id: number): Promise<void> {
  for (let sent = 0; sent < MESSAGES_PER_STREAM; sent++) {
    const flowing = sendFrame(socket, Kind.Message, id, ListProductsResponse.encode(PAGE).finish());
    if (!flowing) await once(socket, "drain");
  }
  sendFrame(socket, Kind.End, id, NOTHING);
}

const NOTHING = new Uint8Array();
