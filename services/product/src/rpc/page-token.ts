import { createHash } from "node:crypto";
import type { ProductFilter } from "../domain/product-filter.ts";
import { invalidPageToken } from "./errors.ts";

const PRODUCT_ID = /^prod_[0-9a-z]{1,40}$/;

/** Names the place after a product in the list that the filter makes. */
export function writePageToken(after: string, filter: ProductFilter): string {
  return Buffer.from(JSON.stringify({ after, filter: hashOf(filter) })).toString("base64url");
}

/**
 * The product id that the list goes on after; empty for an empty token.
 *
 * @throws {RpcError} INVALID_PAGE_TOKEN if it is none of ours, or belongs to another filter.
 */
export function readPageToken(token: string, filter: ProductFilter): string {
  if (token === "") return "";
  const content = parseJson(Buffer.from(token, "base64url").toString());
  if (!isPlace(content) || content.filter !== hashOf(filter)) throw invalidPageToken();
  return content.after;
}

function isPlace(content: unknown): content is { after: string; filter: string } {
  if (typeof content !== "object" || content === null) return false;
  return (
    "after" in content && typeof content.after === "string" && PRODUCT_ID.test(content.after) && "filter" in content
  );
}

function hashOf({ nameContains, inStockOnly }: ProductFilter): string {
  return createHash("sha256")
    .update(JSON.stringify([nameContains, inStockOnly]))
    .digest("base64url")
    .slice(0, 16);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // any text may be sent as a token
  }
}
