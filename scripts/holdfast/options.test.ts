import { describe, expect, test } from "vitest";
import { readOptions, UsageError } from "./options.ts";

describe("readOptions()", () => {
  test.each(["127.0.0.1:50051", "localhost:1", "order-1.example:65535", "[::1]:50051"])("asks %s only", (at) => {
    expect(readOptions(["endpoints", "--at", at])).toMatchObject({ at, json: false, help: false });
  });

  test.each([
    "",
    "127.0.0.1",
    ":50051",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "::1:50051",
    "[::1]",
    "[order]:50051",
    "127.0.0.1:50051 ",
    "127.0.0.1:grpc",
    "k8s:///payment-service.payments:grpc",
    "dns:///order:50051",
  ])('refuses to ask "%s"', (at) => {
    expect(() => readOptions(["endpoints", `--at=${at}`])).toThrow(UsageError);
    expect(() => readOptions(["endpoints", `--at=${at}`])).toThrow(`--at wants host:port, got "${at}"\n`);
  });

  test.each([
    [[]],
    [["endpoint"]],
    [["endpoints", "payment"]],
    [["endpoints", "--att", "x:1"]],
    [["endpoints", "--at"]],
    [["endpoints", "--at=127.0.0.1:50051", "--folder=.holdfast"]],
  ])("refuses %j", (args) => expect(() => readOptions(args)).toThrow(UsageError));

  test("needs nothing to tell how it is used", () => {
    expect(readOptions(["--help"])).toMatchObject({ help: true });
  });
});
