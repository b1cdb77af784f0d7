import { parseArgs } from "node:util";
import { endWithReader } from "../end-with-reader.ts";
import { auditAndPrint } from "./audit-and-print.ts";
import { findStack } from "./find-stack.ts";
import { InputError } from "./input-error.ts";

const USAGE = `npm run audit:orders [-- options]

Checks the books of a running stack: orders, stock, ledger, and what the payment provider really captured.
Ends with 1 if anything is wrong. Reads only.

  --in-flight-ok    orders, charges and refunds that do not get on are no violation: a service is down on purpose
  --folder <path>   the folder that the stack was started with   [.holdfast]
  --help            this text`;

function readFlags() {
  try {
    return parseArgs({
      options: { "in-flight-ok": { type: "boolean" }, folder: { type: "string" }, help: { type: "boolean" } },
    }).values;
  } catch (error) {
    throw new InputError(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}

endWithReader();
try {
  const flags = readFlags();
  if (flags.help === true) console.log(USAGE);
  else {
    const { books } = await findStack(flags.folder);
    process.exitCode = (await auditAndPrint(books, { inFlightOk: flags["in-flight-ok"] === true })) ? 0 : 1;
  }
} catch (error) {
  console.error(error instanceof InputError ? error.message : error);
  process.exitCode = error instanceof InputError ? 2 : 1;
}
