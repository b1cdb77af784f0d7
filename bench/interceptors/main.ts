/**
 * `npm run bench:interceptors`: what the interceptors cost, alone and together, on grpc-js and on nice-grpc. With `-- --quick`
 * some seconds only; with `-- --write` into docs/numbers.md.
 */
import { Bench } from "../harness/bench.ts";
import { Child, canPin } from "../harness/child.ts";
import { costTable } from "../harness/cost.ts";
import { figure, markdownTable } from "../harness/markdown.ts";
import { readOptions } from "../harness/options.ts";
import type { Pair } from "../harness/pair.ts";
import { publish, reportHead, showProgress } from "../harness/report.ts";
import { measureInRounds, type Plan } from "../harness/rounds.ts";
import { INTERCEPTOR_NAMES } from "./chains.ts";
import { NOTHING_COLLECTED, type OwnCost } from "./own-cost.ts";
import { LIBRARIES, singleOnes, wholeChains } from "./pairs.ts";
import { measureRejections } from "./rejections.ts";

const options = readOptions(process.argv.slice(2));
const pinned = canPin();
const head = reportHead("interceptors", pinned);
const concurrencies = [128];
const quick: Plan = { rounds: 1, concurrencies, sliceMs: 100, leadInMs: 20, warmUpCalls: 200 };
const whole: Plan = options.quick
  ? quick
  : { rounds: 7, concurrencies, sliceMs: 1_000, leadInMs: 100, warmUpCalls: 20_000 };
// Many pairs: shorter, and with fewer rounds.
const single: Plan = options.quick
  ? quick
  : { rounds: 3, concurrencies, sliceMs: 400, leadInMs: 50, warmUpCalls: 8_000 };

const reports = [
  head,
  "GetProduct with 128 calls at the same time, its answer static. Pairs take turns; ratios and differences are medians of " +
    "those within a round. A chain is on one side only unless it says both; the CPU of the bare pair stands in brackets, and " +
    "`no chain, once more` is the same in processes of its own: differences as small as its mean nothing.",
];
for (const library of LIBRARIES) {
  reports.push(`${library}, whole chains, ${lengthOf(whole)}:`, await measure(wholeChains(library), whole));
}
const own = options.quick ? { rounds: 1, calls: 200 } : { rounds: 9, calls: 5_000 };
const [cpu, garbage] = [await measureOwn("cpu"), await measureOwn("garbage", NOTHING_COLLECTED)];
reports.push(
  `Each by itself, without a wire below it: CPU, medians of n = ${own.rounds} rounds of ${own.calls} calls, and bytes that it leaves ` +
    "to the garbage collector. `empty` does nothing: the price of a layer.",
  ownCostTable(cpu, garbage),
);
for (const library of LIBRARIES) {
  const pairs = singleOnes(library, INTERCEPTOR_NAMES);
  reports.push(`${library}, each interceptor alone, ${lengthOf(single)}:`, await measure(pairs, single));
}
const { n, medianMs, p99Ms, highestMs } = await measureRejections(1_000);
reports.push(
  `A call that an open circuit refuses takes ${figure(medianMs)} ms (p99 ${figure(p99Ms)}, highest ${figure(highestMs)}; n = ${n}, ` +
    "one after the other, the first one included; target: less than 1 ms).",
);
await publish("interceptors", reports.join("\n\n"), options);

async function measure(pairs: readonly Pair[], plan: Plan): Promise<string> {
  const [bare, ...others] = pairs;
  const wanted = others.filter(({ name, contender }) => {
    return options.only.length === 0 || options.only.some((part) => `${contender} ${name}`.includes(part));
  });
  if (bare === undefined || wanted.length === 0) return "(left out)";
  await using bench = new Bench({ pinned, profile: options.profile });
  return costTable(await measureInRounds(bench, [bare, ...wanted], "unary", plan, showProgress));
}

async function measureOwn(question: "cpu" | "garbage", nodeOptions: readonly string[] = []): Promise<OwnCost[]> {
  showProgress(`each by itself, without a wire: ${question}`);
  const script = new URL("own-cost-process.ts", import.meta.url);
  await using child = new Child(script, { core: pinned ? 1 : undefined, nodeOptions });
  return await child.ask<OwnCost[]>(question, own);
}

function ownCostTable(cpu: readonly OwnCost[], garbage: readonly OwnCost[]): string {
  const rows = cpu.map(({ name, cost }, index) => {
    return [name, figure(Math.max(0, cost)), figure(Math.max(0, Math.round(garbage[index]?.cost ?? Number.NaN)))];
  });
  return markdownTable(["", "CPU µs/call", "bytes/call"], rows);
}

function lengthOf({ rounds, sliceMs }: Plan): string {
  return `n = ${rounds} rounds of ${sliceMs / 1_000} s`;
}
