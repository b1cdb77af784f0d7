import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";

const services = join(import.meta.dirname, "../../services");
const PASSWORD = "geheim";
/** Nothing listens there: a program that got this far has printed what it starts with. */
const DATABASE_URL = `postgresql://user:${PASSWORD}@127.0.0.1:1/none`;
const PAYMENT_TARGET = "k8s:///payment-service.payments:grpc";

let child: ChildProcess | undefined;
afterEach(() => void child?.kill("SIGKILL"));

/** The first line that the program logs. */
async function firstLine(service: string, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  const program = spawn(process.execPath, [join(services, service, "src/main.ts")], {
    env: { DRAIN_MS: "1234", LISTEN: "127.0.0.1:0", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  child = program;
  for await (const line of createInterface(program.stdout)) return line;
  return undefined;
}

test.each([
  ["edge", { ROUTES: "0=127.0.0.1:1" }],
  ["order", { DATABASE_URL, PAYMENT_TARGET, PRODUCT_TARGET: "k8s:///product-service.products:grpc" }],
  ["payment", { DATABASE_URL, PROVIDER_URL: `http://payment:${PASSWORD}@127.0.0.1:1` }],
  ["payment-provider", { PROVIDER_FILE: "/nowhere/effects.jsonl", PROVIDER_LISTEN: "127.0.0.1:0" }],
  ["product", { DATABASE_URL }],
])("%s prints its configuration at start, without passwords", async (service, env: Record<string, string>) => {
  const line = (await firstLine(service, env)) ?? "";
  expect(JSON.parse(line)).toMatchObject({ level: "info", service, msg: "configuration", config: { DRAIN_MS: 1_234 } });
  expect(line).not.toContain(PASSWORD);
});
