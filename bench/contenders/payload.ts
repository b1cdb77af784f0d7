import {
  type GetProductResponse,
  type ListProductsResponse,
  ListProductsResponse as Page,
  GetProductResponse as Response,
} from "@holdfast/contracts/ecommerce/product/v1/product_service";

/** A product as every contender can say it: times and 64-bit numbers as text, which is all that JSON has for them. */
export interface PlainProduct {
  id: string;
  name: string;
  price: { currencyCode: string; minorUnits: string };
  stock: number;
  sku: string;
  description: string;
  createTime: string;
  updateTime: string;
}

/** What every contender answers, whatever is asked for. */
export const PRODUCT: PlainProduct = {
  id: "prod_01jd4q7m3kfa9x2vhs8e5t6w0z",
  name: "White hanging heart tea light holder",
  price: { currencyCode: "GBP", minorUnits: "255" },
  stock: 1_284,
  sku: "85123A",
  description:
    "Hand-painted metal heart on a ribbon, for one tea light. 11 cm wide, 13 cm high without its ribbon. " +
    "Sold singly; in boxes of 32 to the trade. Candles are not part of it, and neither is the hook.",
  createTime: "2010-12-01T08:26:00.000Z",
  updateTime: "2011-11-21T16:05:37.250Z",
};

/** How many messages a stream has, one product each. */
export const MESSAGES_PER_STREAM = 100;

const product = {
  ...PRODUCT,
  price: { ...PRODUCT.price, minorUnits: BigInt(PRODUCT.price.minorUnits) },
  createTime: new Date(PRODUCT.createTime),
  updateTime: new Date(PRODUCT.updateTime),
};

/** The answer as ts-proto has it. Made once: a handler does nothing but hand it over, and it is encoded for each call. */
export const RESPONSE: GetProductResponse = Response.fromPartial({ product });

/** One message of a stream, as ts-proto has it. */
export const PAGE: ListProductsResponse = Page.fromPartial({ products: [product] });

/** How long the answer is. Unit: bytes. */
export const SIZES = {
  protobuf: Response.encode(RESPONSE).finish().length,
  json: Buffer.byteLength(JSON.stringify({ product: PRODUCT })),
};

/** What ts-proto decoded, for comparison. */
export function plainOf(response: GetProductResponse | ListProductsResponse): unknown {
  const found = "product" in response ? response.product : response.products[0];
  if (found === undefined) return undefined;
  const { price, createTime, updateTime, ...rest } = found;
  return {
    ...rest,
    price: price && { currencyCode: price.currencyCode, minorUnits: String(price.minorUnits) },
    createTime: createTime?.toISOString(),
    updateTime: updateTime?.toISOString(),
  };
}
