import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import { Pool } from "undici";
import type { Contender } from "./contender.ts";
import { JSON_RESPONSE, ndjson, plainOfJson, readNdjson } from "./json.ts";
import { PRODUCT } from "./payload.ts";

const text = { type: "string" };
const object = (properties: object) => ({ type: "object", properties });
const product = object({
  id: text,
  name: text,
  price: object({ currencyCode: text, minorUnits: text }),
  stock: { type: "integer" },
  sku: text,
  description: text,
  createTime: text,
  updateTime: text,
});

/** fastify with a schema of the response, as it advises, and an undici pool with one connection per concurrent call. */
export const contender: Contender = {
  async serve() {
    const app = fastify({ logger: false, forceCloseConnections: true });
    app.get(
      "/v1/products/:productId",
      { schema: { response: { 200: object({ product }) } } },
      async () => JSON_RESPONSE,
    );
    app.get("/v1/products", (_request, reply) => reply.type("application/x-ndjson").send(ndjson()));
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as AddressInfo;
    return { port, [Symbol.asyncDispose]: () => app.close() };
  },

  connect({ port, concurrency }) {
    const pool = new Pool(`http://127.0.0.1:${port}`, { connections: concurrency });
    const get = async (path: string) => {
      const { statusCode, body } = await pool.request({ method: "GET", path });
      if (statusCode !== 200) throw new Error(`${path}: ${statusCode}`);
      return body;
    };
    return {
      getProduct: async () => (await get(`/v1/products/${PRODUCT.id}`)).json(),
      listProducts: async (onMessage) => readNdjson(await get("/v1/products"), onMessage),
      plain: plainOfJson,
      [Symbol.dispose]: () => void pool.destroy(),
    };
  },
};
