/**
 * `npm run bench:interceptors`: what the interceptors cost, alone and together, on grpc-js and on nice-grpc. With `-- --quick`
 * some seconds only; with `-- --write` into docs/numbers.md.
 */
import { Bench } from "../harness/bench.ts";
import { canPin } from "../harness/child.ts";
import { costTable } from "../harness/cost.ts";
import { figure } from "../harness/markdown.ts";
import { readOptions } from "../harness/options.ts";
import type { Pair } from "../harness/pair.ts";
import { publish, reportHead, showProgress } from "../harness/report.ts";
import { measureInRounds, type Plan } from "../harness/rounds.ts";
import { INTERCEPTOR_NAMES } from "./chains.ts";
import { singleOnes, wholeChains } from "./pairs.ts";
import { measureRejections } from "./rejections.ts";

const options = readOptions(process.argv.slice(2));
const pinned = canPin();
const head = reportHead("interceptors", pinned);

const quick: Plan = { rounds: 1, concurrencies: [128], sliceMs: 120, leadInMs: 20, warmUpMs: 100 };
const whole: Plan = options.quick
  ? quick
  : { rounds: 8, concurrencies: [128], sliceMs: 1_500, leadInMs: 150, warmUpMs: 1_500 };
// Many pairs: shorter, and with fewer rounds.
const single: Plan = options.quick
  ? quick
  : { rounds: 3, concurrencies: [128], sliceMs: 850, leadInMs: 100, warmUpMs: 800 };

async function measure(pairs: readonly Pair[], plan: Plan): Promise<string> {
  const wanted = pairs.filter(
    ({ name }) => options.only.length === 0 || options.only.some((part) => name.includes(part)),
  );
  await using bench = new Bench({ pinned, profile: options.profile });
  return costTable(await measureInRounds(bench, wanted, "unary", plan, showProgress));
}

const { n, medianMs, p99Ms, highestMs } = await measureRejections(1_000);
const report = [
  head,
  "GetProduct with 128 calls at the same time, its answer static. Pairs take turns; ratios and differences are medians of " +
    "those within a round. A chain is on one side only unless it says both; the CPU of the bare pair stands in brackets.",
  `Whole chains, ${lengthOf(whole)}:`,
  await measure(wholeChains(), whole),
  `Each interceptor alone, ${lengthOf(single)} (\`empty\` does nothing: the price of a layer):`,
  await measure(singleOnes(INTERCEPTOR_NAMES), single),
  `A call that an open circuit refuses takes ${figure(medianMs)} ms (p99 ${figure(p99Ms)}, highest ${figure(highestMs)}, n = ${n}, ` +
    "one after the other, the first one included; target: less than 1 ms).",
].join("\n\n");
await publish("interceptors", report, options);

function lengthOf({ rounds, sliceMs }: Plan): string {
  return `n = ${rounds} rounds of ${sliceMs / 1_000} s`;
}
