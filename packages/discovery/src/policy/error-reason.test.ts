// SPDX-License-Identifier: MIT
import { Metadata } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorInfo } from "../testing/error-info.ts";
import { errorReason } from "./error-reason.ts";

const trailers = (bytes: Uint8Array): Metadata => {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(bytes));
  return metadata;
};

describe("errorReason()", () => {
  test("reads the reason of ErrorInfo, wherever it stands", () => {
    expect(errorReason(errorInfo("DRAINING"))).toBe("DRAINING");
    const [status] = errorInfo("DRAINING").get("grpc-status-details-bin") as [Buffer];
    // An unknown varint, and a detail of another type, before it.
    const other = Buffer.concat([Buffer.from([0x08, 0x8e, 0x02, 0x1a, 3, 0x0a, 1, 0x61]), status]);
    expect(errorReason(trailers(other))).toBe("DRAINING");
  });

  test("is undefined without one", () => {
    expect(errorReason(undefined)).toBeUndefined();
    expect(errorReason(new Metadata())).toBeUndefined();
    expect(errorReason(trailers(Buffer.from([0x1a, 0xff, 0xff])))).toBeUndefined();
  });

  test("never throws, whatever the bytes", () => {
    const bytes = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(bytes, (any) => {
        expect(errorReason(trailers(any)) ?? "").toBeTypeOf("string");
      }),
    );
  });
});
