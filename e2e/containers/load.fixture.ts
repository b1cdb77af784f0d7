// Calls payment 100 times a second by its name, and reports every second, a line each.
import { setInterval } from "node:timers/promises";
import { client, Status } from "@holdfast/rpc";
import { Caller } from "../dns/caller.ts";
import type { LoadReport } from "./load-report.ts";

const chain = [client.context(), client.errors(), client.deadline(), client.retry({ commitOn: "message" })];
const target = "k8s:///payment-service.payments.svc.cluster.local:50051";
// As the services have it in docker-compose.yml.
const caller = new Caller({ target, intervalMs: 2_000, chain });
const report: LoadReport = { calls: 0, errors: [], byAddress: {} };
const call = async (): Promise<void> => {
  const error = await caller.call();
  report.calls += 1;
  // Of a transaction that nobody made: an answer.
  if (error !== undefined && error.code !== Status.NOT_FOUND)
    report.errors.push(`${new Date().toISOString()} ${error.message}`);
};

const PER_SECOND = 100;
const began = performance.now();
let made = 0;
let printed = 0;
for await (const _ of setInterval(5)) {
  const elapsedS = (performance.now() - began) / 1_000;
  for (; made < elapsedS * PER_SECOND; made += 1) void call();
  if (elapsedS < printed + 1) continue;
  printed = Math.floor(elapsedS);
  report.byAddress = Object.fromEntries(caller.endpoints().map(({ address, calls }) => [address, calls]));
  console.log(JSON.stringify(report));
}
