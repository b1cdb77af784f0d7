import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Handlers } from "@holdfast/rpc";
import type { FindProducts } from "./get-product.ts";
import { productToProto } from "./to-proto.ts";

/** BatchGetProducts: one statement for all ids, one result for each of them, in their order. */
export function batchGetProducts({
  find,
}: {
  find: FindProducts;
}): Handlers<typeof ProductServiceDefinition>["batchGetProducts"] {
  return async ({ productIds }, { deadline, signal }) => {
    const products = await find({ deadline, signal }, [...new Set(productIds)]);
    const found = new Map(products.map((product) => [product.id, productToProto(product)]));
    return { results: productIds.map((productId) => ({ productId, product: found.get(productId) })) };
  };
}
