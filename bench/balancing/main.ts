/**
 * `npm run bench:balancing`: what clients notice of an instance that is ill, of new ones, and of DNS that is of no use. With
 * `-- --quick` two minutes; with `-- --only sigstop,scale` single faults; with `-- --write` into docs/numbers.md.
 */
import { readOptions } from "../harness/options.ts";
import { publish, reportHead, showProgress } from "../harness/report.ts";
import { CALLERS, OURS } from "./callers/all.ts";
import { PINNED } from "./cores.ts";
import { DNS_FAULTS } from "./dns-message.ts";
import { FAULTS, missedOf } from "./faults.ts";
import { openNetwork } from "./network.ts";
import { QUICK, WHOLE } from "./plan.ts";
import { missedDns, runDns } from "./run-dns.ts";
import { runFault } from "./run-fault.ts";
import { missedScale, runScale } from "./run-scale.ts";
import { dnsTable, type FaultResult, faultTable, scaleTable } from "./tables.ts";

const options = readOptions(process.argv.slice(2));
const plan = options.quick ? QUICK : WHOLE;
// Frozen processes and namespaces go with this one: see what they do at "exit". A signal may come twice, from the terminal and
// from npm: without a handler the second would end this process in the midst of that.
const end = () => process.exit(130);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
process.once("disconnect", end); // who started this was killed
process.channel?.unref();
await using network = await openNetwork(3);

const missed: string[] = [];
const reports = [
  reportHead("balancing", PINNED),
  `GetProduct, ${plan.perSecond} calls a second from each client, due at a constant rate whether or not others have ended; latency is ` +
    `from when a call was due. The clients run at the same time, on the same instances, each a process. ` +
    `\`${OURS}\` and \`same chain\` have the interceptors of services/order; \`stock\` has none, and 1 s for a call. DNS goes on ` +
    "listing the bad instance. What went to it are streams of HTTP/2, retries among them, from 1 s after the fault began (slow: 3 s) " +
    "until it ended. Its share is back with the first second in which it gives 0.8 of the mean's answers. The longest stall is " +
    "how late any process but the bad one came to its turn: hundreds of milliseconds mean that the machine was a second fault.",
];
for (const count of [2, 3]) {
  const results: FaultResult[] = [];
  for (const fault of FAULTS.filter(({ name }) => isWanted(name))) {
    if (fault.name === "DROP" && network.whole !== undefined) {
      results.push({ fault: fault.name, rows: [], skipped: network.whole });
      continue;
    }
    showProgress(`${fault.name}, ${count} instances`);
    const rows = await runFault(network, fault, count, plan);
    results.push({ fault: fault.name, rows });
    const ours = rows.find(({ client }) => client === OURS);
    if (ours !== undefined) keep(`${fault.name}, ${count} instances`, missedOf(fault, ours.figures));
  }
  if (results.length > 0) reports.push(`${count} instances, one of them bad for ${duration()}:`, faultTable(results));
}
if (isWanted("scale")) {
  showProgress("from 1 to 3 instances");
  const rows = await runScale(network, plan);
  reports.push("From 1 to 3 instances:", scaleTable(rows));
  for (const row of rows.filter(({ client }) => client === OURS)) keep("from 1 to 3 instances", missedScale(row));
}
if (isWanted("DNS") && CALLERS.some(({ name }) => name === OURS)) {
  const rows = [];
  for (const fault of DNS_FAULTS) {
    showProgress(`DNS answers ${fault}`);
    rows.push(...(await runDns(network, OURS, fault, plan)));
  }
  reports.push(
    `${OURS} while DNS is of no use for ${plan.dnsFaultMs / 1_000} s, one way after the other, each with two clients at the same ` +
      "time, one that knows two instances and one that knows three:",
    dnsTable(rows),
  );
  for (const row of rows) keep(`DNS answers ${row.fault}, ${row.instances} instances`, missedDns(row));
}
if (!CALLERS.some(({ name }) => name === OURS)) missed.push(`- \`${OURS}\` did not run`);
const skipped = network.whole === undefined || !isWanted("DROP") ? "" : ` Skipped: DROP, twice (${network.whole}).`;
reports.push((missed.length === 0 ? `\`${OURS}\` kept all limits.` : `Missed:\n\n${missed.join("\n")}\n\n`) + skipped);
await publish("balancing", reports.join("\n\n"), options);

function isWanted(name: string): boolean {
  const { only } = options;
  return only.length === 0 || only.some((part) => name.toLowerCase().includes(part.toLowerCase()));
}

function keep(where: string, what: readonly string[]): void {
  missed.push(...what.map((text) => `- ${where}: ${text}`));
}

function duration(): string {
  return `${plan.faultMs / 1_000} s (killed: ${plan.killedMs / 1_000} s)`;
}
