import { describe, expect, test } from "vitest";
import { readOptions } from "./options.ts";
import { UsageError } from "./usage-error.ts";

describe("readOptions()", () => {
  test("leaves everything as usual when nothing is said", () => {
    expect(readOptions([], {})).toMatchObject({ ports: {}, fresh: false, help: false });
    expect(readOptions([], {}).folder).toMatch(/\.holdfast$/);
  });

  test("takes ports from the line, and from variables where the line says nothing", () => {
    const { ports } = readOptions(["--order-port=1", "--payment-port", "0"], { ORDER_PORT: "2", PRODUCT_PORT: "3" });
    expect(ports).toEqual({ order: 1, payment: 0, product: 3 });
  });

  test("takes how many instances there shall be of a service", () => {
    expect(readOptions(["--replicas", "payment=3,order=2"], {})).toMatchObject({ replicas: { payment: 3, order: 2 } });
  });

  test("takes the rest of the line after a -- that a package runner hands on", () => {
    expect(readOptions(["--", "--fresh", "--folder", "x"], {})).toMatchObject({ fresh: true, folder: "x" });
  });

  test.each([
    ["an unknown option", ["--frsh"], {}],
    ["a word that is no option", ["fresh"], {}],
    ["a port that is none", ["--order-port=65536"], {}],
    ["a variable that is no port", [], { ORDER_PORT: "http" }],
    ["an empty folder", ["--folder="], {}],
    ["replicas of nothing", ["--replicas="], {}],
    ["replicas of a service that there is not", ["--replicas=gateway=2"], {}],
    ["no replica", ["--replicas=payment=0"], {}],
    ["too many replicas", ["--replicas=payment=6"], {}],
    ["replicas of one service twice", ["--replicas=payment=2,payment=3"], {}],
  ])("refuses %s", (_, args, env) => {
    expect(() => readOptions(args, env)).toThrow(UsageError);
  });
});
