import type { Product, ProductDraft } from "./product.ts";

/** One product to make, once per key. */
export interface CreateProductCommand {
  readonly idempotencyKey: string;
  /** Of the request without its key: another body under the same key has another hash. */
  readonly requestHash: Uint8Array;
  readonly draft: ProductDraft;
  /** The bytes of the answer, which are stored and given to every repeat. */
  readonly respond: (product: Product) => Uint8Array;
}

export type CreateProductOutcome =
  /** `response` is what `respond` made, now or at the first call. */
  | { readonly kind: "done"; readonly response: Uint8Array }
  | { readonly kind: "sku_taken" }
  | { readonly kind: "key_reused" }
  | { readonly kind: "key_in_use" };
