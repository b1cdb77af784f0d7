/**
 * `npm run bench:streaming`: streams of 100 messages from the server, over our client and server and over six others.
 * With `-- --quick` some seconds only; with `-- --write` into docs/numbers.md.
 */
import { MESSAGES_PER_STREAM, SIZES } from "../contenders/payload.ts";
import { compareTransports } from "../harness/compare-transports.ts";
import { readOptions } from "../harness/options.ts";

const options = readOptions(process.argv.slice(2));
const concurrencies = [1, 16, 128];
await compareTransports(
  {
    name: "streaming",
    shape: "stream",
    plan: options.quick
      ? { rounds: 1, concurrencies, sliceMs: 250, leadInMs: 50, warmUpCalls: 20 }
      : { rounds: 5, concurrencies, sliceMs: 850, leadInMs: 100, warmUpCalls: 800 },
    unit: { plural: "messages", perCall: MESSAGES_PER_STREAM },
    about:
      `ListProducts: streams of ${MESSAGES_PER_STREAM} messages from the server, one product each (${SIZES.protobuf} bytes in protobuf, ${SIZES.json} in JSON); p50 and p99 are of whole ` +
      "streams. HTTP/1.1 has no streams from a client, so that is not compared.",
  },
  options,
);
