/**
 * `npm run bench:unary`: one call, one answer, over our client and server and over six others. With `-- --quick` some
 * seconds only; with `-- --write` into docs/numbers.md.
 */
import { SIZES } from "../contenders/payload.ts";
import { compareTransports } from "../harness/compare-transports.ts";
import { readOptions } from "../harness/options.ts";

const options = readOptions(process.argv.slice(2));
const concurrencies = [1, 16, 128];
await compareTransports(
  {
    name: "unary",
    shape: "unary",
    plan: options.quick
      ? { rounds: 1, concurrencies, sliceMs: 250, leadInMs: 50, warmUpCalls: 500 }
      : { rounds: 5, concurrencies, sliceMs: 1_600, leadInMs: 200, warmUpCalls: 20_000 },
    unit: { plural: "calls", perCall: 1 },
    about: `GetProduct: one product, ${SIZES.protobuf} bytes in protobuf and ${SIZES.json} in JSON.`,
  },
  options,
);
