import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { Client, type ClientReadableStream, credentials } from "@grpc/grpc-js";
import { ListProductsRequest, ListProductsResponse } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { expect, test } from "vitest";
import { insertProducts } from "../testing/builders.ts";
import { openTestDatabase } from "../testing/open-test-database.ts";
import { startServiceProcess } from "../testing/start-service-process.ts";

const MEGABYTE = 1_000_000;
const STALL_SECONDS = 5;

test("listProducts() to a reader that stops costs less than 20 MB, and goes on when it does", async () => {
  await using database = await openTestDatabase();
  await insertProducts(database.db, 100_000);
  await using service = await startServiceProcess(database.url);
  const client = new Client(service.target, credentials.createInsecure());
  // Once to the end: the stall is measured on a service that has done all this before.
  expect(await countRest(list(client))).toBe(100_000);

  const stream = list(client);
  let seen = 0;
  for (let message = 0; message < 10; message++) seen += (await nextMessage(stream)).products.length;
  const before = await service.rss();
  let most = before;
  for (let second = 0; second < STALL_SECONDS; second++) {
    // Time itself is what is tested here.
    await wait(1_000);
    most = Math.max(most, await service.rss());
  }
  expect((most - before) / MEGABYTE).toBeLessThan(20);
  expect(seen + (await countRest(stream))).toBe(100_000);
  client.close();
}, 90_000);

/** The raw library reads what it is asked for and no more; the transport's windows are all that lies between. */
function list(client: Client): ClientReadableStream<ListProductsResponse> {
  return client.makeServerStreamRequest(
    "/ecommerce.product.v1.ProductService/ListProducts",
    (request: ListProductsRequest) => Buffer.from(ListProductsRequest.encode(request).finish()),
    (bytes: Buffer) => ListProductsResponse.decode(bytes),
    ListProductsRequest.fromPartial({ streamAll: true }),
    { deadline: Date.now() + 80_000 },
  );
}

async function nextMessage(stream: ClientReadableStream<ListProductsResponse>): Promise<ListProductsResponse> {
  for (;;) {
    const message = stream.read() as ListProductsResponse | null;
    if (message !== null) return message;
    await once(stream, "readable");
  }
}

async function countRest(stream: ClientReadableStream<ListProductsResponse>): Promise<number> {
  let count = 0;
  for await (const { products } of stream as AsyncIterable<ListProductsResponse>) count += products.length;
  return count;
}
