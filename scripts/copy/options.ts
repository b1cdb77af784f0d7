import { parseArgs } from "node:util";
import { InputError } from "../audit/input-error.ts";

export const USAGE = `npm run copy -- <name…> <folder> [options]

Copies interceptors, or discovery, into another project, each with the files that it needs and its tests.

  <name>       such as client/retry, or retry where only one side has it
  <folder>     where they go, seen from where you stand; made if it is not there
  --list       print the names
  --no-tests   without tests and what only they need
  --force      overwrite files that differ
  --help       this text`;

/** What the user asked for. */
export type CopyOptions =
  | { readonly action: "help" }
  | { readonly action: "list" }
  | {
      readonly action: "copy";
      readonly names: readonly string[];
      /** As it was given. */
      readonly folder: string;
      readonly tests: boolean;
      readonly force: boolean;
    };

/** Reads the command line. @throws {InputError} If it has an unknown flag, no name, or no folder. */
export function readOptions(args: readonly string[]): CopyOptions {
  const { values, positionals } = parse(args);
  if (values.help) return { action: "help" };
  if (values.list) return { action: "list" };
  const names = positionals.slice(0, -1);
  const folder = positionals.at(-1);
  if (folder === undefined) throw new InputError(`Cannot copy: no file was named\n\n${USAGE}`);
  if (names.length === 0) {
    throw new InputError(`Cannot copy: give the files and then the folder; got "${folder}" only\n\n${USAGE}`);
  }
  if (folder === "") throw new InputError(`Cannot copy: the folder has no name\n\n${USAGE}`);
  return {
    action: "copy",
    names,
    folder,
    tests: !values["no-tests"],
    force: values.force,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      // A package runner may hand on the "--" that ends its own flags.
      args: args.filter((arg, index) => arg !== "--" || index > 0),
      allowPositionals: true,
      options: {
        list: { type: "boolean", default: false },
        "no-tests": { type: "boolean", default: false },
        force: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new InputError(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}
