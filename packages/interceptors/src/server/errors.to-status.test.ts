// SPDX-License-Identifier: MIT
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext } from "../context.ts";
import { detailsOf } from "../status.ts";
import { metadataOf } from "../testing/client-call.ts";
import { type ErrorTable, fromTable, StatusError, toStatus, toStatusError } from "./errors.ts";

function fail(): never {
  throw new Error("boom");
}

/** A union of domain errors, as a service has it. */
type DomainError = { kind: "order_not_found"; orderId: string } | { kind: "price_changed"; sku: string };
const table: ErrorTable<DomainError> = {
  order_not_found: ({ orderId }) =>
    new StatusError(status.NOT_FOUND, `Cannot get "${orderId}"`, { reason: "ORDER_NOT_FOUND", metadata: { orderId } }),
  price_changed: ({ sku }) =>
    new StatusError(status.FAILED_PRECONDITION, `Cannot sell "${sku}"`, { reason: "PRICE_CHANGED" }),
};

describe("toStatus()", () => {
  const known = fromTable(table);
  const read = (error: unknown, options = {}) => {
    const result = toStatus(error, { requestId: "req-12345678", known, ...options });
    return { code: result.code, text: result.details, ...detailsOf(result.metadata) };
  };

  test("E1: goes by the table of domain errors", () => {
    expect(read({ kind: "order_not_found", orderId: "ord_1" })).toMatchObject({
      code: status.NOT_FOUND,
      reason: "ORDER_NOT_FOUND",
      metadata: { orderId: "ord_1" },
    });
    expect(read(Object.assign(new Error("x"), { kind: "price_changed", sku: "s" })).reason).toBe("PRICE_CHANGED");
  });

  test("E1: a kind that is missing from the table is an error of types", () => {
    // @ts-expect-error: price_changed is missing
    const incomplete: ErrorTable<DomainError> = { order_not_found: table.order_not_found };
    expect(fromTable(incomplete)({ kind: "price_changed", sku: "s" })).toBeUndefined();
  });

  test.each([["toString"], ["constructor"], ["no_such"], [7]])("E1: kind %s of nobody's table is INTERNAL", (kind) => {
    expect(known({ kind })).toBeUndefined();
    expect(read({ kind })).toMatchObject({ code: status.INTERNAL, reason: "INTERNAL", requestId: "req-12345678" });
  });

  test("E1: what is unknown says nothing but the request id, or what the option says", () => {
    expect(read(new Error("sql"))).toEqual({
      code: status.INTERNAL,
      text: "Internal error",
      reason: "INTERNAL",
      domain: "type.ecommerce",
      metadata: {},
      requestId: "req-12345678",
    });
    const internal = (id: string) => ({ reason: "INTERNAL", metadata: { correlation_id: id } });
    expect(read(new Error("sql"), { internal }).metadata).toEqual({ correlation_id: "req-12345678" });
  });

  test("E1: never throws, whatever it gets", () => {
    const hostile = new Proxy(new Error("x"), {
      get: fail,
      getPrototypeOf: fail,
      has: fail,
    });
    for (const each of [null, undefined, 0, Symbol("x"), {}, [], () => 1, hostile, Object.create(null)]) {
      expect(read(each).code).toBe(status.INTERNAL);
    }
    expect(
      read({
        kind: "order_not_found",
        get orderId() {
          return fail();
        },
      }).code,
    ).toBe(status.INTERNAL);
  });

  const downstream = (code: number) =>
    Object.assign(new Error("5 NOT_FOUND: inside"), {
      code,
      details: "inside",
      metadata: metadataOf({ "grpc-retry-pushback-ms": "7", secret: "x" }),
    });
  const kept: Record<number, [status, string]> = {
    [status.UNAVAILABLE]: [status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"],
    [status.RESOURCE_EXHAUSTED]: [status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"],
    [status.DEADLINE_EXCEEDED]: [status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"],
    [status.CANCELLED]: [status.CANCELLED, "CANCELLED"],
  };

  test.each(Array.from({ length: 17 }, (_, code) => code))(
    "E4: code %i of a service further down is translated, with nothing else of it",
    (code) => {
      const error = downstream(code);
      const result = toStatus(error, { requestId: "req-12345678" });
      expect([result.code, detailsOf(result.metadata)?.reason]).toEqual(kept[code] ?? [status.INTERNAL, "INTERNAL"]);
      expect(result.details).not.toContain("inside");
      expect(Object.keys(result.metadata.toJSON())).toEqual(["grpc-status-details-bin"]);
      expect(detailsOf(result.metadata)?.retryAfterMs).toBeUndefined();
      expect(toStatusError(error).cause).toBe(error);
    },
  );

  test("E4: what the handler throws on purpose is passed on", () => {
    const error = new StatusError(status.NOT_FOUND, "Cannot get", { reason: "X" }, { cause: downstream(5) });
    expect(read(error)).toMatchObject({ code: status.NOT_FOUND, reason: "X" });
  });

  test("E4: a number that is no status, of a DOMException, is INTERNAL", () => {
    expect(new DOMException("x", "NotFoundError").code).toBe(status.RESOURCE_EXHAUSTED);
    expect(read(new DOMException("x", "NotFoundError")).code).toBe(status.INTERNAL);
    expect(read(Object.assign(new Error("x"), { code: "14" })).code).toBe(status.INTERNAL);
  });

  test("what is thrown because the signal was aborted is why it was", () => {
    const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: true };
    const abortedBy = (reason: Error) => {
      const context = newContext({ requestId: "req-12345678", trace });
      context.cancel(reason);
      return context.signal;
    };
    const late = abortedBy(new DOMException("x", "TimeoutError"));
    const gone = abortedBy(new DOMException("x", "AbortError"));
    const abort = new DOMException("This operation was aborted", "AbortError");
    expect(read(abort, { signal: late }).code).toBe(status.DEADLINE_EXCEEDED);
    expect(read(abort, { signal: gone }).code).toBe(status.CANCELLED);
    expect(read(late.reason, { signal: late }).code).toBe(status.DEADLINE_EXCEEDED);
    expect(read(abort, { signal: new AbortController().signal }).code).toBe(status.INTERNAL);
    expect(read(new Error("x"), { signal: gone }).code).toBe(status.INTERNAL);
  });
});
