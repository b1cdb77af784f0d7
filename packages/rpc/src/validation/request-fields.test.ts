import { describe, expect, test } from "vitest";
import { requestFields } from "./request-fields.ts";

describe("requestFields()", () => {
  test("has the fields of the request and of the messages in it, in the names of the generated code", () => {
    const fields = requestFields("/ecommerce.payment.v1.PaymentService/Charge");
    expect(fields).toEqual(expect.arrayContaining(["idempotencyKey", "amount", "currencyCode"]));
    expect(fields).not.toContain("idempotency_key");
  });

  test.each(["/ecommerce.payment.v1.PaymentService/Chrage", "/a.B/C", ""])("has none of %j", (path) => {
    expect(requestFields(path)).toEqual([]);
  });
});
