import { join } from "node:path";

export const SERVICE_NAMES = ["payment", "product", "order"] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];
export type ProgramName = ServiceName | "provider";

/** A program that runs as a process of its own. */
export interface Program {
  readonly name: ProgramName;
  /** Path of its main.ts. */
  readonly main: string;
  /** Limit of the JavaScript heap; the whole process takes some 60 MiB more. Unit: MiB. */
  readonly heapMib: number;
  readonly env: Readonly<Record<string, string>>;
}

/** From SIGTERM to the end, so that all of them together and the database keep to 5 s. Unit: milliseconds. */
const SERVICE_DRAIN_MS = 3_000;
const PROVIDER_DRAIN_MS = 500;

const HEAP_MIB: Record<ProgramName, number> = { provider: 96, payment: 128, product: 160, order: 160 };

export interface Places {
  readonly ports: Readonly<Record<ProgramName, number>>;
  readonly databaseUrls: Readonly<Record<ServiceName, string>>;
  readonly providerFile: string;
  /** Goes to every program, and wins. */
  readonly env: Readonly<Record<string, string>>;
}

/** The four programs of the system and what each must be told. */
export function programs({ ports, databaseUrls, providerFile, env }: Places): Readonly<Record<ProgramName, Program>> {
  const at = (name: ProgramName) => `127.0.0.1:${ports[name]}`;
  const service = (name: ServiceName, own: Record<string, string> = {}) =>
    program(name, name, {
      LISTEN: at(name),
      DATABASE_URL: databaseUrls[name],
      DRAIN_MS: String(SERVICE_DRAIN_MS),
      ...own,
      ...env,
    });
  return {
    provider: program("provider", "payment-provider", {
      PROVIDER_LISTEN: at("provider"),
      PROVIDER_FILE: providerFile,
      DRAIN_MS: String(PROVIDER_DRAIN_MS),
      ...env,
    }),
    payment: service("payment", { PROVIDER_URL: `http://${at("provider")}` }),
    product: service("product"),
    order: service("order", { PAYMENT_TARGET: at("payment"), PRODUCT_TARGET: at("product") }),
  };
}

function program(name: ProgramName, folder: string, env: Record<string, string>): Program {
  const main = join(import.meta.dirname, "../../../services", folder, "src/main.ts");
  return { name, main, heapMib: HEAP_MIB[name], env };
}
