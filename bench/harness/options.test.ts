import { expect, test } from "vitest";
import { readOptions } from "./options.ts";

test("reads what a package runner hands on", () => {
  expect(readOptions(["--", "--quick", "--only", "grpc,TCP"])).toEqual({
    quick: true,
    write: false,
    only: ["grpc", "TCP"],
  });
});

test.each([[["--write", "--quick"]], [["--write", "--only", "TCP"]]])(
  "%j would keep figures that mean nothing",
  (args) => {
    expect(() => readOptions(args)).toThrow("--write wants a whole run");
  },
);
