import type { ImportDaysDeps } from "./import-days.ts";

/** What the catalogue has already. */
export async function knownSkus({
  products,
  persistence,
  signal,
}: Pick<ImportDaysDeps, "products" | "persistence" | "signal">): Promise<Set<string>> {
  const skus = new Set<string>();
  let pageToken = "";
  await persistence.insist(async () => {
    for await (const page of products.listProducts({ streamAll: true, pageToken }, { signal })) {
      for (const { sku } of page.products) skus.add(sku);
      pageToken = page.nextPageToken; // an interrupted list goes on after the last page that arrived
    }
  });
  return skus;
}
