import { parseArgs } from "node:util";
import { STATE_FOLDER } from "../audit/find-stack.ts";
import { InputError } from "../audit/input-error.ts";

export const USAGE = `npm run replay -- <file.csv> [more files] [options]

Turns days of the Online Retail data set into a catalogue and orders, follows each order to its end, and audits the books.

  --speed-up <n|max>       how many times faster than in the file; max waits for nothing   [a day takes about 60 s]
  --concurrency <n>        orders placed at the same time                                  [16]
  --payment-method <pm_…>  of sales; returns are paid with pm_card_slow and cancelled      [pm_card_ok]
  --run <name>             continues the run of that name for up to 24 hours: until then
                           no order is placed and charged twice                            [a new one, printed]
  --give-up-after <s>      how long to repeat one call while a service is away             [120]
  --list                   print every row that cannot be part of an order                 [the first 20]
  --order-target, --product-target <target>       names of the services, k8s:///x.y:grpc or whatever else gRPC can dial
                                                  [ORDER_TARGET and PRODUCT_TARGET, or those of npm start]
  --folder <path>          the folder that the stack was started with                      [.holdfast]
  --help                   this text`;

export interface ReplayOptions {
  readonly files: readonly string[];
  /** Undefined: so that each file takes about {@link USUAL_MS}. */
  readonly speedUp: number | undefined;
  readonly concurrency: number;
  readonly paymentMethod: string;
  readonly run: string | undefined;
  readonly giveUpAfterMs: number;
  readonly list: boolean;
  /** As the environment has them; only those that were named. */
  readonly targets: { readonly ORDER_TARGET?: string; readonly PRODUCT_TARGET?: string };
  readonly folder: string;
  readonly help: boolean;
}

/** Reads the command line. @throws {InputError} If it has an unknown flag, a wrong value, or no file. */
export function readOptions(args: readonly string[]): ReplayOptions {
  const { values, positionals: files } = parse(args);
  const help = values.help === true;
  if (files.length === 0 && !help) throw new InputError(`Cannot replay: no file was named\n\n${USAGE}`);
  return {
    files,
    speedUp: values["speed-up"] === undefined ? undefined : speedUpOf(values["speed-up"]),
    concurrency: numberOf("--concurrency", values.concurrency, { integer: true, max: 1_000 }),
    paymentMethod: matching("--payment-method", values["payment-method"], /^pm_[0-9a-z_]{1,60}$/),
    run: values.run === undefined ? undefined : matching("--run", values.run, /^[!-~]{1,100}$/),
    giveUpAfterMs: numberOf("--give-up-after", values["give-up-after"], { integer: false, max: 86_400 }) * 1_000,
    list: values.list === true,
    targets: {
      ...(values["order-target"] !== undefined && { ORDER_TARGET: values["order-target"] }),
      ...(values["product-target"] !== undefined && { PRODUCT_TARGET: values["product-target"] }),
    },
    folder: values.folder,
    help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      // A package runner may hand on the "--" that ends its own flags.
      args: args.filter((arg, index) => arg !== "--" || index > 0),
      allowPositionals: true,
      options: {
        "speed-up": { type: "string" },
        concurrency: { type: "string", default: "16" },
        "payment-method": { type: "string", default: "pm_card_ok" },
        run: { type: "string" },
        "give-up-after": { type: "string", default: "120" },
        list: { type: "boolean" },
        "order-target": { type: "string" },
        "product-target": { type: "string" },
        folder: { type: "string", default: STATE_FOLDER },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new InputError(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}

function speedUpOf(text: string): number {
  return text === "max" ? Infinity : numberOf("--speed-up", text, { integer: false, max: 1e9 });
}

function numberOf(flag: string, text: string, { integer, max }: { integer: boolean; max: number }): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= max && (!integer || Number.isInteger(value))) return value;
  throw new InputError(`${flag} wants ${integer ? "a whole number" : "a number"} above 0, up to ${max}; got "${text}"`);
}

function matching(flag: string, text: string, pattern: RegExp): string {
  if (pattern.test(text)) return text;
  throw new InputError(`${flag} wants ${pattern.source}; got "${text}"`);
}
