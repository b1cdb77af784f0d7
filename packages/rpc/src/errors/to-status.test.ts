import { status } from "@grpc/grpc-js";
import { detailsOf } from "@holdfast/interceptors/status";
import { DatabaseError } from "@holdfast/storage/database-error";
import { describe, expect, test } from "vitest";
import { RemoteError } from "./remote-error.ts";
import { RpcError } from "./rpc-error.ts";
import { toStatus } from "./to-status.ts";

const call = { path: "/ecommerce.order.v1.OrderService/GetOrder", correlationId: "c-12345678" };

function read(error: unknown) {
  const { code, details, metadata } = toStatus(error, call);
  return { code, details, ...detailsOf(metadata) };
}

describe("toStatus()", () => {
  test("keeps code, reason and metadata of an RpcError", () => {
    const error = new RpcError(status.NOT_FOUND, "ORDER_NOT_FOUND", 'Cannot get order "ord_1"', { order_id: "ord_1" });
    expect(read(error)).toMatchObject({
      code: status.NOT_FOUND,
      details: 'Cannot get order "ord_1"',
      reason: "ORDER_NOT_FOUND",
      metadata: { order_id: "ord_1" },
    });
  });

  test("carries violations and the time to come back", () => {
    const violations = [{ field: "items[0].quantity", description: "must be greater than 0" }];
    const options = { violations, retryAfterMs: 1_250 };
    const found = read(new RpcError(status.INVALID_ARGUMENT, "VALIDATION_FAILED", "Cannot", {}, options));
    expect(found.violations).toMatchObject(violations);
    expect(found.retryAfterMs).toBe(1_250);
  });

  test.each([
    ["connection lost", new DatabaseError("unavailable", "x"), status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"],
    ["statement timeout", new DatabaseError("deadline", "x"), status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"],
    ["caller gone", new DatabaseError("cancelled", "x"), status.CANCELLED, "CANCELLED"],
    ["lock not to be had", new DatabaseError("lock_timeout", "x"), status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"],
    ["conflict", new DatabaseError("conflict", "x"), status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"],
    ["a constraint", new DatabaseError("unique_violation", "x"), status.INTERNAL, "INTERNAL"],
    ["remote UNAVAILABLE", new RemoteError(status.UNAVAILABLE, "x"), status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"],
    ["remote DEADLINE", new RemoteError(status.DEADLINE_EXCEEDED, "x"), status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"],
    ["remote NOT_FOUND", new RemoteError(status.NOT_FOUND, "x"), status.INTERNAL, "INTERNAL"],
    ["remote INVALID_ARGUMENT", new RemoteError(status.INVALID_ARGUMENT, "x"), status.INTERNAL, "INTERNAL"],
    ["a thrown string", "insert into secrets", status.INTERNAL, "INTERNAL"],
  ])("translates %s", (_, error, code, reason) => {
    expect(read(error)).toMatchObject({ code, reason });
  });

  test("tells nothing of an unexpected error but the correlation id", () => {
    const { details, metadata } = read(new Error('relation "orders" at 10.0.0.1:5432 /srv/app.ts'));
    expect(details).toBe("Internal error");
    expect(metadata).toEqual({ correlation_id: "c-12345678" });
  });

  test("sends well-formed text only: a lone surrogate would end the server", () => {
    const half = "😀".slice(0, 1);
    const found = read(new RpcError(status.NOT_FOUND, "ORDER_NOT_FOUND", `no ${half}`, { order_id: half }));
    expect(found.details.isWellFormed()).toBe(true);
    expect(found.metadata?.order_id?.isWellFormed()).toBe(true);
  });

  test("stays below the trailer limit of 8 KiB whatever the error carries", () => {
    const long = "x".repeat(5_000);
    const violations = Array.from({ length: 500 }, () => ({ field: long, description: long }));
    const metadata = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`key${index}`, long]));
    const error = new RpcError(status.INVALID_ARGUMENT, "VALIDATION_FAILED", long, metadata, { violations });
    const { metadata: trailers, details } = toStatus(error, call);
    const [statusDetails = ""] = trailers.get("grpc-status-details-bin");
    const base64Bytes = Math.ceil(statusDetails.length / 3) * 4;
    expect(base64Bytes + details.length).toBeLessThan(8_192);
  });
});
