import { createFileRegistry, type DescMethod, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { descriptors } from "@holdfast/contracts/descriptors";
import { ImportProductsResponse } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { Status } from "@holdfast/rpc";
import { type RawAnswer, rawCall } from "@holdfast/rpc/testing/raw-call";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { rowCounts } from "../support/row-counts.ts";
import { accepted } from "./accepted.ts";
import { type BadRequest, badRequests } from "./bad-requests.ts";
import { goodRequest } from "./good-requests.ts";

const { targets, databaseUrls, pids } = inject("stack");
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));

const names = ["payment", "product", "order"] as const;
const methods = [...names, "admin" as const].flatMap((name) => {
  const service = [...registry].find(
    (type) => type.kind === "service" && type.typeName.startsWith(`ecommerce.${name}.`),
  );
  if (service?.kind !== "service") throw new Error(`The contracts have no ${name} service`);
  // Every service serves the one for those who run it.
  return service.methods.map((method) => ({ method, target: targets[name === "admin" ? "order" : name] }));
});

function casesOf(verdict: "refused" | "reported" | "accepted") {
  return methods.flatMap(({ method, target }) =>
    [...badRequests(method.input, goodRequest(method))]
      .filter((request) => verdictOf(method, request) === verdict)
      .map((request) => ({ name: `${method.name}.${request.field}: ${request.kind}`, method, target, request })),
  );
}

function verdictOf(method: DescMethod, { field, kind }: BadRequest) {
  if (accepted.has(`${method.name}.${field}: ${kind}`)) return "accepted";
  const row = method.name === "ImportProducts" && field.startsWith("rows[0]") && kind !== "not UTF-8";
  return row ? "reported" : "refused";
}

function call(method: DescMethod, target: string, bytes: Uint8Array): Promise<RawAnswer> {
  return rawCall(target, `/${method.parent.typeName}/${method.name}`, bytes);
}

describe("bad input", () => {
  let before: Record<string, number>;

  describe("what the contract allows", () => {
    test.each(casesOf("accepted"))("$name is not refused as a bad request", async ({ method, target, request }) => {
      const { code, reason } = await call(method, target, request.bytes);
      // The stand-in token of ListProducts and ListOrders is refused for itself.
      const refusals = ["VALIDATION_FAILED", "MALFORMED_REQUEST"];
      expect(refusals).not.toContain(reason);
      expect([Status.INTERNAL, Status.UNKNOWN, Status.UNAVAILABLE]).not.toContain(code);
    });
  });

  describe("what the contract forbids", () => {
    beforeAll(async () => {
      before = await rowCounts(databaseUrls);
    });

    test("is a table worth its name", () => {
      expect(casesOf("refused").length).toBeGreaterThan(250);
      expect(methods).toHaveLength(18);
    });

    test.each(casesOf("refused"))("$name is refused, and the field named", async ({ method, target, request }) => {
      const { code, reason, violations } = await call(method, target, request.bytes);
      expect(code).toBe(Status.INVALID_ARGUMENT);
      expect(reason).toMatch(/^(VALIDATION_FAILED|MALFORMED_REQUEST|INVALID_PAGE_TOKEN)$/);
      const places = violations.map(({ field }) => field);
      // A rule on a message or a oneof names that; malformed bytes name no field.
      const oneofs = request.kind === "none of the oneof" ? method.input.oneofs.map(({ name }) => name) : [];
      const named = places.some(
        (place) => request.field.startsWith(place) || place.startsWith(request.field) || oneofs.includes(place),
      );
      expect({ places, named }).toMatchObject({ named: true });
    });

    test.each(casesOf("reported"))("$name is reported as a bad row", async ({ method, target, request }) => {
      const { code, responses } = await call(method, target, request.bytes);
      expect(code).toBe(Status.OK);
      const report = ImportProductsResponse.decode(responses[0] ?? Buffer.alloc(0));
      expect(report).toMatchObject({ receivedCount: 1n, rejectedCount: 1n, createdCount: 0n, updatedCount: 0n });
      const field = request.field.slice("rows[0].".length);
      const [error] = report.errors;
      expect(error?.rowNumber).toBe(1n);
      expect(field.startsWith(error?.field ?? "?") || error?.field.startsWith(field)).toBe(true);
    });

    afterAll(async () => {
      expect(await rowCounts(databaseUrls), "nothing is written").toEqual(before);
      for (const pid of Object.values(pids)) expect(process.kill(pid, 0), "the process is unharmed").toBe(true);
    });
  });
});
