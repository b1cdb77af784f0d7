import { afterAll, describe, expect, test } from "vitest";
import { OURS } from "../../bench/balancing/callers/all.ts";
import { DNS_FAULTS } from "../../bench/balancing/dns-message.ts";
import { FAULTS, missedOf } from "../../bench/balancing/faults.ts";
import { openNetwork } from "../../bench/balancing/network.ts";
import { WHOLE } from "../../bench/balancing/plan.ts";
import { type DnsRow, missedDns, runDns } from "../../bench/balancing/run-dns.ts";
import { runFault } from "../../bench/balancing/run-fault.ts";
import { missedScale, runScale } from "../../bench/balancing/run-scale.ts";
import { dnsTable, type FaultResult, faultTable, scaleTable } from "../../bench/balancing/tables.ts";

const network = await openNetwork(3);
afterAll(() => network[Symbol.asyncDispose]());

describe.each([2, 3])("%i instances, 200 calls a second, one of them bad", (count) => {
  const results: FaultResult[] = [];
  afterAll(() => console.log(faultTable(results)));

  test.for(FAULTS)("$name", async (fault, { skip }) => {
    if (fault.name === "DROP" && network.whole !== undefined) {
      results.push({ fault: fault.name, rows: [], skipped: network.whole });
      skip(network.whole);
    }
    const rows = await runFault(network, fault, count, WHOLE);
    results.push({ fault: fault.name, rows });
    const ours = rows.find(({ client }) => client === OURS);
    if (ours === undefined) throw new Error(`${OURS} did not run`);
    expect(missedOf(fault, ours.figures)).toEqual([]);
  });
});

test("from 1 to 3 instances", async () => {
  const rows = await runScale(network, WHOLE);
  console.log(scaleTable(rows));
  const ours = rows.find(({ client }) => client === OURS);
  if (ours === undefined) throw new Error(`${OURS} did not run`);
  expect(missedScale(ours)).toEqual([]);
});

describe("DNS is of no use for a minute", () => {
  const results: DnsRow[] = [];
  afterAll(() => console.log(dnsTable(results)));

  test.each(DNS_FAULTS)("it answers %s", async (fault) => {
    const rows = await runDns(network, OURS, fault, WHOLE);
    results.push(...rows);
    expect(rows.map((row) => ({ instances: row.instances, missed: missedDns(row) }))).toEqual([
      { instances: 2, missed: [] },
      { instances: 3, missed: [] },
    ]);
  });
});
