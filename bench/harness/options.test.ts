import { expect, test } from "vitest";
import { readOptions } from "./options.ts";

test("reads what a package runner hands on", () => {
  expect(readOptions(["--", "--quick", "--only", "grpc,TCP"])).toEqual({
    quick: true,
    write: false,
    only: ["grpc", "TCP"],
    profile: undefined,
  });
});

test.each([[["--write", "--quick"]], [["--write", "--only", "TCP"]], [["--write", "--profile", "folder"]]])(
  "%j would keep figures that mean nothing",
  (args) => {
    expect(() => readOptions(args)).toThrow("--write wants a whole run");
  },
);
