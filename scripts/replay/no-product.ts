/** Stock codes of the data set that stand for something else than goods; every other code is a product. */
const NO_PRODUCTS: Readonly<Record<string, string>> = {
  POST: "postage",
  DOT: "postage of web orders",
  C2: "carriage",
  D: "a discount",
  M: "a manual entry",
  S: "samples",
  B: "a bad-debt adjustment",
  CRUK: "a donation",
  AMAZONFEE: "a fee",
  "BANK CHARGES": "a fee",
  ADJUST: "an adjustment",
  ADJUST2: "an adjustment",
};

/** What a code stands for that is no product; undefined for a product. Vouchers and cushion pads are products. */
export function noProduct(stockCode: string): string | undefined {
  if (stockCode.startsWith("TEST")) return "a test entry";
  return Object.hasOwn(NO_PRODUCTS, stockCode) ? NO_PRODUCTS[stockCode] : undefined;
}
