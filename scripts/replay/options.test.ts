import { describe, expect, test } from "vitest";
import { InputError } from "../audit/input-error.ts";
import { readOptions } from "./options.ts";

describe("readOptions()", () => {
  test("has a default for everything but the files", () => {
    expect(readOptions(["a.csv", "b.csv"])).toMatchObject({
      files: ["a.csv", "b.csv"],
      speedUp: undefined,
      concurrency: 16,
      paymentMethod: "pm_card_ok",
      run: undefined,
      giveUpAfterMs: 120_000,
      list: false,
      targets: {},
    });
  });

  test("has targets as the environment has them, to stand above it", () => {
    const target = "k8s:///order-service:grpc";
    expect(readOptions(["a.csv", "--order-target", target]).targets).toEqual({ ORDER_TARGET: target });
    expect(readOptions(["a.csv", "--product-target", target]).targets).toEqual({ PRODUCT_TARGET: target });
  });

  test("takes what a package runner hands on", () => {
    expect(readOptions(["--", "a.csv"])).toMatchObject({ files: ["a.csv"] });
  });

  test("waits for nothing at the highest speed-up", () => {
    expect(readOptions(["a.csv", "--speed-up", "max"]).speedUp).toBe(Infinity);
    expect(readOptions(["a.csv", "--speed-up=1.5"]).speedUp).toBe(1.5);
  });

  test.each([
    [[]],
    [["a.csv", "--speedup", "2"]],
    [["a.csv", "--speed-up", "0"]],
    [["a.csv", "--speed-up", "fast"]],
    [["a.csv", "--concurrency", "1.5"]],
    [["a.csv", "--concurrency", "-1"]],
    [["a.csv", "--payment-method", "4111 1111"]],
    [["a.csv", "--run", "with space"]],
    [["a.csv", "--give-up-after", ""]],
    [["a.csv", "--run"]],
  ])("refuses %j", (args) => expect(() => readOptions(args)).toThrow(InputError));

  test("needs no file to tell how it is used", () => {
    expect(readOptions(["--help"]).help).toBe(true);
  });
});
