import { parseArgs } from "node:util";

/** What a benchmark may be told. */
export interface BenchOptions {
  /** Some seconds, to see that it works. Its figures mean nothing. */
  quick: boolean;
  /** Put what is printed into docs/numbers.md as well. */
  write: boolean;
  /** Names that a pair has to contain, one of them. Empty: all pairs. */
  only: readonly string[];
  /** A folder for a CPU profile of each process; profiled figures are not comparable with others. */
  profile: string | undefined;
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
      profile: { type: "string" },
    },
  });
  const only = values.only.split(",").filter((name) => name !== "");
  const { quick, write, profile } = values;
  if (write && (quick || only.length > 0 || profile !== undefined)) {
    throw new TypeError("--write wants a whole run: no --quick, --only or --profile");
  }
  return { quick, write, only, profile };
}
