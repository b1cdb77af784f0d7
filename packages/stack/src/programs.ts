import { join } from "node:path";

export const SERVICE_NAMES = ["payment", "product", "order"] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** A program that runs as a process of its own. */
export interface Program {
  /** Unique in the stack: of its process, its log file and its host name in the cluster's DNS. */
  readonly name: string;
  /** Path of its main.ts. */
  readonly main: string;
  /** Limit of the JavaScript heap; the whole process takes some 60 MiB more. Unit: MiB. */
  readonly heapMib: number;
  readonly env: Readonly<Record<string, string>>;
}

/** From SIGTERM to the end, so that all of them together and the database keep to 5 s. Unit: milliseconds. */
const SERVICE_DRAIN_MS = 3_000;
const PROVIDER_DRAIN_MS = 500;

const HEAP_MIB: Record<ServiceName, number> = { payment: 128, product: 160, order: 160 };
const PROVIDER_HEAP_MIB = 96;

/** What all names of the cluster end in. */
export const CLUSTER_DOMAIN = "cluster.local";

/** What a service of the system is called in the cluster, as outside clients know it. */
export const CLUSTER_NAMES: Record<ServiceName, { readonly service: string; readonly namespace: string }> = {
  payment: { service: "payment-service", namespace: "payments" },
  product: { service: "product-service", namespace: "products" },
  order: { service: "order-service", namespace: "orders" },
};

/** What the programs must be told of the stack they run in. */
export interface Surroundings {
  readonly databaseUrls: Readonly<Record<ServiceName, string>>;
  readonly providerUrl: string;
  /** `ip:port` of the cluster's DNS server. */
  readonly clusterDns: string;
  /** Goes to every program, and wins. */
  readonly env: Readonly<Record<string, string>>;
}

/** The payment provider. */
export function providerProgram(port: number, file: string, env: Readonly<Record<string, string>>): Program {
  return program("provider", "payment-provider", PROVIDER_HEAP_MIB, {
    PROVIDER_LISTEN: `127.0.0.1:${port}`,
    PROVIDER_FILE: file,
    DRAIN_MS: String(PROVIDER_DRAIN_MS),
    ...env,
  });
}

/** One instance of a service. */
export function serviceProgram(name: string, service: ServiceName, port: number, around: Surroundings): Program {
  const { databaseUrls, providerUrl, clusterDns, env } = around;
  const own: Record<ServiceName, Record<string, string>> = {
    payment: { PROVIDER_URL: providerUrl },
    product: {},
    order: { PAYMENT_TARGET: clusterTarget("payment"), PRODUCT_TARGET: clusterTarget("product") },
  };
  return program(name, service, HEAP_MIB[service], {
    LISTEN: `127.0.0.1:${port}`,
    DATABASE_URL: databaseUrls[service],
    CLUSTER_DNS: clusterDns,
    CLUSTER_DOMAIN,
    POD_NAMESPACE: CLUSTER_NAMES[service].namespace,
    // The server is on this machine and knows at once: asking it often costs nothing, and an instance is found in no time.
    RESOLVE_INTERVAL_MS: "700",
    // Who takes the place of an instance is known by then: an interval with its jitter, and the look itself.
    DRAIN_RESOLVERS_MS: "1000",
    DRAIN_MS: String(SERVICE_DRAIN_MS),
    ...own[service],
    ...env,
  });
}

/** What clients of a service dial: its name in the cluster, behind which all its instances are. */
export function clusterTarget(name: ServiceName): string {
  const { service, namespace } = CLUSTER_NAMES[name];
  return `k8s:///${service}.${namespace}:grpc`;
}

function program(name: string, folder: string, heapMib: number, env: Record<string, string>): Program {
  const main = join(import.meta.dirname, "../../../services", folder, "src/main.ts");
  return { name, main, heapMib, env };
}
