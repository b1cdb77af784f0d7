import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Handlers } from "@holdfast/rpc";
import type { Product } from "../domain/product.ts";
import type { PageQuery } from "../domain/product-filter.ts";
import type { Scope } from "../domain/scope.ts";
import { boundedScope } from "./bounded-scope.ts";
import { readPageToken, writePageToken } from "./page-token.ts";
import { productToProto } from "./to-proto.ts";

/** Products in one message. One a message costs 3 to 5 times more; 100 of the longest are 0.9 MB. */
const MESSAGE_PRODUCTS = 100;
const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 1_000;
/** Longest time for one read: the whole list may take an hour, a connection is not kept for that. Unit: milliseconds. */
const READ_MS = 5_000;

/** Up to `limit` products after `after`, ordered by id. */
export type ReadPage = (scope: Scope, query: PageQuery) => Promise<Product[]>;

/**
 * ListProducts: a message as soon as it is read, and the next one is read when the transport has room for it: a reader
 * that stalls costs one message of memory and no database connection.
 */
export function listProducts({ read }: { read: ReadPage }): Handlers<typeof ProductServiceDefinition>["listProducts"] {
  return async function* ({ pageSize, pageToken, streamAll, nameContains, inStockOnly }, { deadline, signal }) {
    const filter = { nameContains, inStockOnly };
    let after = readPageToken(pageToken, filter);
    let wanted = streamAll ? Infinity : Math.min(pageSize === 0 ? DEFAULT_PAGE : pageSize, LARGEST_PAGE);

    for (let isFirst = true; ; isFirst = false) {
      const limit = Math.min(MESSAGE_PRODUCTS, wanted);
      // One more than is sent: whether there is one decides about the token.
      const found = await read(boundedScope({ deadline, signal }, READ_MS), { after, limit: limit + 1, filter });
      const products = found.slice(0, limit);
      const last = products.at(-1);
      if (last === undefined) {
        if (isFirst) yield { products: [], nextPageToken: "" };
        return;
      }
      const hasMore = found.length > limit;
      yield {
        products: products.map(productToProto),
        nextPageToken: hasMore ? writePageToken(last.id, filter) : "",
      };
      wanted -= products.length;
      after = last.id;
      if (!hasMore || wanted === 0) return;
    }
  };
}
