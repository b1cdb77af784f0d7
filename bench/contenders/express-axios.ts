import { once } from "node:events";
import { Agent } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline, type Readable } from "node:stream";
import axios from "axios";
import express from "express";
import type { Contender } from "./contender.ts";
import { JSON_RESPONSE, KEEP_ALIVE_MS, ndjson, plainOfJson, readNdjson } from "./json.ts";
import { PRODUCT } from "./payload.ts";

/** express and axios as they come (an ETag for each answer is one of express's defaults), with connections kept alive. */
export const contender: Contender = {
  async serve() {
    const app = express();
    app.get("/v1/products/:productId", (_request, response) => void response.json(JSON_RESPONSE));
    app.get("/v1/products", (_request, response) => {
      response.type("application/x-ndjson");
      pipeline(ndjson(), response, (error) => {
        if (error) response.destroy(error);
      });
    });
    const server = app.listen(0, "127.0.0.1");
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    await once(server, "listening");
    const close = async () => {
      server.close();
      server.closeAllConnections();
    };
    return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
  },

  connect({ port, concurrency }) {
    const httpAgent = new Agent({ keepAlive: true, maxSockets: concurrency });
    const client = axios.create({ baseURL: `http://127.0.0.1:${port}`, httpAgent });
    return {
      getProduct: async () => (await client.get(`/v1/products/${PRODUCT.id}`)).data,
      async listProducts(onMessage) {
        const { data } = await client.get<Readable>("/v1/products", { responseType: "stream" });
        await readNdjson(data, onMessage);
      },
      plain: plainOfJson,
      [Symbol.dispose]: () => httpAgent.destroy(),
    };
  },
};
