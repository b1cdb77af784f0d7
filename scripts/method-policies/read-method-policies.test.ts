import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import {
  FieldOptionsSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
  type MethodOptions,
} from "@bufbuild/protobuf/wkt";
import { descriptors } from "@holdfast/contracts/descriptors";
import { methods } from "@holdfast/contracts/methods";
import { describe, expect, test } from "vitest";
import { readMethodPolicies } from "./read-method-policies.ts";

/** The contracts, with the options of one method changed. */
function contractsWith(methodName: string, change: (options: MethodOptions) => void) {
  const files: FileDescriptorSet = fromBinary(FileDescriptorSetSchema, descriptors);
  const options = files.file
    .flatMap(({ service }) => service)
    .flatMap(({ method }) => method)
    .find(({ name }) => name === methodName)?.options;
  if (options === undefined) throw new Error(`No method ${methodName}`);
  change(options);
  return readMethodPolicies(createFileRegistry(files)).problems;
}

/** Replaces the policy by these fields, as they stand on the wire. */
const policyBytes =
  (...bytes: number[]) =>
  (options: MethodOptions) => {
    options.$unknown = (options.$unknown ?? []).map((field) =>
      field.no === 50501 ? { ...field, data: Uint8Array.from([bytes.length, ...bytes]) } : field,
    );
  };

describe("readMethodPolicies()", () => {
  test("finds a policy for each of the 18 methods, and nothing wrong", () => {
    const { methods: found, problems } = readMethodPolicies(
      createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors)),
    );
    expect(problems).toEqual([]);
    expect(Object.keys(found)).toHaveLength(18);
    expect(found).toEqual(methods);
  });

  test("T4: knows the fields that are marked debug_redact, also in messages within the request", () => {
    const files = fromBinary(FileDescriptorSetSchema, descriptors);
    const item = files.file.flatMap(({ messageType }) => messageType).find(({ name }) => name === "OrderItem");
    const field = item?.field.find(({ name }) => name === "product_id");
    if (field === undefined) throw new Error("No OrderItem.product_id");
    field.options = create(FieldOptionsSchema, { debugRedact: true });
    const { methods: found } = readMethodPolicies(createFileRegistry(files));
    expect(found["/ecommerce.order.v1.OrderService/CreateOrder"]?.redact).toEqual(["paymentMethod", "productId"]);
    expect(found["/ecommerce.order.v1.OrderService/GetOrder"]?.redact).toEqual([]);
  });

  test("names a method without a policy", () => {
    const problems = contractsWith("GetOrder", (options) => {
      options.$unknown = (options.$unknown ?? []).filter(({ no }) => no !== 50501);
    });
    expect(problems).toEqual(["/ecommerce.order.v1.OrderService/GetOrder: has no (ecommerce.options.v1.policy)"]);
  });

  test.each([
    ["a deadline of 0", "GetOrder", [0x10, 2, 0x18, 2, 0x20, 1], "deadline_ms must be 1 to 3600000"],
    ["no retry", "GetOrder", [8, 1, 0x18, 2, 0x20, 1], "retry is not set"],
    ["no priority", "GetOrder", [8, 1, 0x10, 2, 0x20, 1], "priority is not set"],
    ["no key", "GetOrder", [8, 1, 0x10, 2, 0x18, 2], "key is not set"],
    ["a hedged write", "CancelOrder", [8, 1, 0x10, 2, 0x18, 2, 0x20, 1, 0x28, 1], "hedge needs NO_SIDE_EFFECTS"],
    ["a hedged stream", "StreamOrderUpdates", [8, 1, 0x10, 2, 0x18, 2, 0x20, 1, 0x28, 1], "hedge has no effect"],
    ["a key that is no field", "CancelOrder", [8, 1, 0x10, 2, 0x18, 2, 0x20, 2], "KEY_FIELD needs a field"],
    ["a field that is no key", "CreateOrder", [8, 1, 0x10, 2, 0x18, 2, 0x20, 1], "KEY_FIELD"],
    ["a key for a read", "GetOrder", [8, 1, 0x10, 2, 0x18, 2, 0x20, 3], "KEY_METADATA has no effect"],
    [
      "a key for a stream",
      "ImportProducts",
      [8, 1, 0x10, 2, 0x18, 2, 0x20, 3],
      "KEY_METADATA has no effect on a stream",
    ],
  ])("refuses %s", (_, method, bytes, problem) => {
    expect(contractsWith(method, policyBytes(...bytes))).toEqual([expect.stringContaining(problem)]);
  });

  test("refuses retries of a method that does not say whether it is idempotent", () => {
    const problems = contractsWith("GetOrder", (options) => {
      options.idempotencyLevel = 0;
      policyBytes(8, 1, 0x10, 2, 0x18, 2, 0x20, 1)(options);
    });
    expect(problems).toEqual([expect.stringContaining("RETRY_UNAVAILABLE needs an idempotency_level")]);
  });
});
