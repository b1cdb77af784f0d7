import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Handlers } from "@holdfast/rpc";
import type { Product } from "../domain/product.ts";
import type { Scope } from "../domain/scope.ts";
import { productNotFound } from "./errors.ts";
import { productToProto } from "./to-proto.ts";

/** The products that exist under these ids, in no order. */
export type FindProducts = (scope: Scope, ids: readonly string[]) => Promise<Product[]>;

/** GetProduct: one product as it is now. */
export function getProduct({ find }: { find: FindProducts }): Handlers<typeof ProductServiceDefinition>["getProduct"] {
  return async ({ productId }, { deadline, signal }) => {
    const [product] = await find({ deadline, signal }, [productId]);
    if (product === undefined) throw productNotFound(productId);
    return { product: productToProto(product) };
  };
}
