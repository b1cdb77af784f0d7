// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { LabelCache, randomHex } from "./telemetry-core.ts";

describe("LabelCache", () => {
  test("T3: gives the same labels for the same method and status, and others for others", () => {
    const labels = new LabelCache("dns:///product.:50052");
    const ok = labels.of("/test.v1.Test/Get", "OK");
    expect(ok).toEqual({
      "grpc.method": "test.v1.Test/Get",
      "grpc.target": "dns:///product.:50052",
      "grpc.status": "OK",
    });
    expect(labels.of("/test.v1.Test/Get", "OK")).toBe(ok);
    expect(labels.of("/test.v1.Test/Get", "ABORTED")).toMatchObject({ "grpc.status": "ABORTED" });
    expect(labels.of("/test.v1.Test/List", "OK")).toMatchObject({ "grpc.method": "test.v1.Test/List" });
    expect(labels.of("/test.v1.Test/Get")).not.toHaveProperty("grpc.status");
  });

  test("T3: a path that nobody knows is other", () => {
    expect(new LabelCache("").of(undefined, "OK")).toMatchObject({ "grpc.method": "other" });
  });
});

describe("randomHex()", () => {
  test("gives no digits twice, also when what was fetched together is used up", () => {
    const ids = Array.from({ length: 2_000 }, (_, index) => randomHex(index % 2 === 0 ? 16 : 8));
    expect(new Set(ids.map((id) => id.slice(0, 16))).size).toBe(2_000);
    ids.forEach((id, index) => expect(id).toMatch(index % 2 === 0 ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{16}$/));
  });
});
