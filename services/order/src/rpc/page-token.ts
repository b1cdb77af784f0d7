import { RpcError, Status } from "@holdfast/rpc";
import type { PagePosition } from "../domain/order-page.ts";

const FORMAT = /^1 (\d{1,15}) (ord_[0-9a-z]{1,40}) ([A-Za-z0-9._@:-]{1,64})$/;

/** Where the next page begins: bound to the customer, and not meant to be read by anybody else. */
export function encodePageToken({ createTime, orderId }: PagePosition, customerId: string): string {
  return Buffer.from(`1 ${createTime.getTime()} ${orderId} ${customerId}`).toString("base64url");
}

/** @returns Undefined for an empty token: from the start. @throws {RpcError} INVALID_PAGE_TOKEN. */
export function decodePageToken(token: string, customerId: string): PagePosition | undefined {
  if (token === "") return undefined;
  const [, createMs, orderId, owner] = FORMAT.exec(Buffer.from(token, "base64url").toString("latin1")) ?? [];
  if (createMs === undefined || orderId === undefined || owner !== customerId) throw invalidPageToken();
  const position = { createTime: new Date(Number(createMs)), orderId };
  // The decoder skips characters that are none of its alphabet: only what we made ourselves is a token.
  if (encodePageToken(position, customerId) !== token) throw invalidPageToken();
  return position;
}

function invalidPageToken(): RpcError {
  const description = "must be empty, or the next_page_token of a page of the same customer";
  const violations = [{ field: "page_token", description }];
  const text = "Cannot go on from the page token: it is none of this customer's";
  return new RpcError(Status.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", text, {}, { violations });
}
