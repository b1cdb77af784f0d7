import type { ImportDaysDeps } from "./import-days.ts";

/** What the catalogue has already. */
export async function knownSkus({
  products,
  signal,
}: Pick<ImportDaysDeps, "products" | "signal">): Promise<Set<string>> {
  const skus = new Set<string>();
  for await (const page of products.listProducts({ streamAll: true }, { signal })) {
    for (const { sku } of page.products) skus.add(sku);
  }
  return skus;
}
