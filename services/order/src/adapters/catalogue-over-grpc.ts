import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { type Connected, RemoteError, Status } from "@holdfast/rpc";
import type { PricedProduct } from "../domain/place-order.ts";
import type { Scope } from "../domain/scope.ts";

type Catalogue =
  | { readonly kind: "priced"; readonly products: ReadonlyMap<string, PricedProduct> }
  | { readonly kind: "unavailable" }
  | { readonly kind: "deadline" };

/** Codes that say that the catalogue cannot be asked now. Every other one is a defect, and thrown. */
const OUTCOMES = new Map<Status, Exclude<Catalogue, { kind: "priced" }>>([
  [Status.UNAVAILABLE, { kind: "unavailable" }],
  [Status.RESOURCE_EXHAUSTED, { kind: "unavailable" }],
  [Status.DEADLINE_EXCEEDED, { kind: "deadline" }],
]);

/** The catalogue of the product service: name and price of each product that is there, in one call. */
export function catalogueOverGrpc(client: Pick<Connected<ProductServiceDefinition>, "batchGetProducts">) {
  return async (productIds: readonly string[], { deadline, signal }: Scope): Promise<Catalogue> => {
    try {
      const { results } = await client.batchGetProducts({ productIds: [...productIds] }, { deadline, signal });
      const products = new Map<string, PricedProduct>();
      for (const { productId, product } of results) {
        if (product?.price === undefined) continue;
        const { currencyCode, minorUnits } = product.price;
        products.set(productId, { name: product.name, price: { currencyCode, minorUnits } });
      }
      return { kind: "priced", products };
    } catch (error) {
      const outcome = error instanceof RemoteError ? OUTCOMES.get(error.code) : undefined;
      if (outcome === undefined) throw error;
      return outcome;
    }
  };
}
