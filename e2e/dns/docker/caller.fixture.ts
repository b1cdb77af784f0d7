// Calls the instances by two of their names, and reports a few times a second.
import { setTimeout as sleep } from "node:timers/promises";
import { client } from "@holdfast/rpc";
import { Caller } from "../caller.ts";
import type { Report } from "./report.ts";

const TARGETS = ["k8s:///payment-service:grpc", "k8s:///payment-service.payments.svc.cluster.local.:50051"];
/** Fewer than the failures at one moment that a target's budget lets be tried again. */
const AT_ONCE = 2;
const PAUSE_MS = 20;

// What a killed instance had in hand only its callers can make up for, also where it had begun to answer.
const retry = client.retry({ commitOn: "message" });
const chain = [client.context(), client.errors(), client.deadline(), retry];

const callers = TARGETS.map((target) => {
  // Docker's TTL is ten minutes: the interval decides.
  const caller = new Caller({ target, ports: { grpc: 50051 }, intervalMs: 1_000, chain });
  return { target, caller, calls: 0, errors: [] as string[] };
});

async function callOn(one: (typeof callers)[number]): Promise<never> {
  for (;;) {
    const error = await one.caller.call();
    one.calls += 1;
    if (error !== undefined) one.errors.push(`${new Date().toISOString()} ${error.message}`);
    await sleep(PAUSE_MS);
  }
}

for (const one of callers) {
  // This may be up before the first instance is.
  while ((await one.caller.call()) !== undefined) await sleep(PAUSE_MS);
  for (let index = 0; index < AT_ONCE; index += 1) void callOn(one);
}

setInterval(() => {
  const of = ({ calls, errors, caller }: (typeof callers)[number]): Report[string] => ({
    calls,
    errors,
    endpoints: caller.endpoints().map(({ address, state, calls: sent }) => ({ address, state, calls: sent })),
  });
  const report: Report = Object.fromEntries(callers.map((each) => [each.target, of(each)]));
  console.log(JSON.stringify(report));
}, 100);

process.on("SIGTERM", () => process.exit(0));
