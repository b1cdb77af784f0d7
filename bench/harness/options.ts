import { parseArgs } from "node:util";

/** What a benchmark may be told. */
export interface BenchOptions {
  /** Some seconds, to see that it works. Its figures mean nothing. */
  quick: boolean;
  /** Put what is printed into docs/numbers.md as well. */
  write: boolean;
  /** Names that a pair has to contain, one of them. Empty: all pairs. */
  only: readonly string[];
}

/** @throws {TypeError} On anything else, and on a quick run that is to be kept. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    // A package runner may hand on the "--" that ends its own flags.
    args: args.filter((arg, index) => arg !== "--" || index > 0),
    options: {
      quick: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      only: { type: "string", default: "" },
    },
  });
  const only = values.only.split(",").filter((name) => name !== "");
  if (values.write && (values.quick || only.length > 0)) {
    throw new TypeError("--write wants a whole run: neither --quick nor --only");
  }
  return { quick: values.quick, write: values.write, only };
}
