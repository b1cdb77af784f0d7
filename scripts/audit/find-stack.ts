import { join } from "node:path";
import { valuesInFiles } from "@holdfast/process";
import { parseServers, scopeOf } from "@holdfast/rpc";
import { clusterTarget, readStackFile, StackError } from "@holdfast/stack";
import type { BooksLocation } from "./books.ts";
import { InputError } from "./input-error.ts";

/** Where `npm start` keeps its data unless told otherwise. */
export const STATE_FOLDER = join(import.meta.dirname, "..", "..", ".holdfast");

export interface StackLocation {
  /** Of the services that a replay talks to: names in a cluster, unless somebody has named something else. */
  readonly targets: { readonly order: string; readonly product: string };
  /** Which of them nobody has named: those are the services of `npm start`. */
  readonly isOfStack: { readonly order: boolean; readonly product: boolean };
  /** Who is asked for those names. */
  readonly resolver: {
    /** Undefined: the system's. */
    readonly servers: string[] | undefined;
    readonly domain: string;
    readonly namespace: string;
  };
  readonly books: BooksLocation;
}

/** One that is empty counts as not set, as with the services. */
type Environment = Readonly<Record<string, string | undefined>>;

const TARGET_NAMES = ["ORDER_TARGET", "PRODUCT_TARGET"];
const RESOLVER_NAMES = ["CLUSTER_DNS", "CLUSTER_DOMAIN", "POD_NAMESPACE"];
const BOOK_NAMES = ["ORDER_DATABASE_URL", "PRODUCT_DATABASE_URL", "PAYMENT_DATABASE_URL", "PROVIDER_FILE"];

/**
 * Where the stack is: from the environment (the names above, or with _FILE a file that holds the value), and what that leaves open from the folder of `npm start`. The DNS server of that one is asked only if a target is left to it. What `flags` say stands
 * above the environment.
 *
 * @throws {InputError} If that says nothing either, or what it says cannot be.
 */
export async function findStack(
  folder = STATE_FOLDER,
  given: Environment = process.env,
  flags: Environment = {},
): Promise<StackLocation> {
  // A file that names one too would be a second value of the same rank.
  const files = Object.keys(flags).map((name) => [`${name}_FILE`, undefined]);
  const said = { ...given, ...Object.fromEntries(files), ...flags };
  const env = read([...TARGET_NAMES, ...RESOLVER_NAMES, ...BOOK_NAMES], said);
  const isWhole = [...TARGET_NAMES, ...BOOK_NAMES].every((name) => env[name] !== undefined);
  const found = isWhole ? undefined : await kept(folder);
  const ownTargets = env["ORDER_TARGET"] && env["PRODUCT_TARGET"];
  return {
    ...targetsOf(env, ownTargets ? undefined : found?.clusterDns),
    isOfStack: { order: env["ORDER_TARGET"] === undefined, product: env["PRODUCT_TARGET"] === undefined },
    books: {
      orderDatabaseUrl: env["ORDER_DATABASE_URL"] ?? found?.databaseUrls.order ?? "",
      productDatabaseUrl: env["PRODUCT_DATABASE_URL"] ?? found?.databaseUrls.product ?? "",
      paymentDatabaseUrl: env["PAYMENT_DATABASE_URL"] ?? found?.databaseUrls.payment ?? "",
      providerFile: env["PROVIDER_FILE"] ?? found?.providerFile ?? "",
    },
  };
}

/** Only where its services are, as the environment has it. @throws {InputError} If what it says cannot be. */
export function findTargets(given: Environment = process.env): Pick<StackLocation, "targets" | "resolver"> {
  return targetsOf(read([...TARGET_NAMES, ...RESOLVER_NAMES], given), undefined);
}

function read(names: readonly string[], given: Environment): Environment {
  const { env, problems } = valuesInFiles(names, given);
  const [problem] = problems;
  if (problem === undefined) return env;
  const [name, what] = problem;
  // In containers these files are made when the stack starts for the first time.
  const isMissing = BOOK_NAMES.includes(name) && what.includes("ENOENT");
  throw new InputError(isMissing ? `${what} (start the stack first: docker compose up --wait)` : what);
}

function targetsOf(env: Environment, clusterDns: string | undefined): Pick<StackLocation, "targets" | "resolver"> {
  return {
    targets: {
      order: env["ORDER_TARGET"] ?? clusterTarget("order"),
      product: env["PRODUCT_TARGET"] ?? clusterTarget("product"),
    },
    resolver: resolverOf(env, clusterDns),
  };
}

/** With the names and defaults of the services' environment. */
function resolverOf(env: Environment, clusterDns: string | undefined): StackLocation["resolver"] {
  try {
    const { domain, namespace } = scopeOf({
      domain: env["CLUSTER_DOMAIN"] ?? "cluster.local",
      namespace: env["POD_NAMESPACE"] ?? "default",
    });
    return { servers: parseServers(env["CLUSTER_DNS"] ?? clusterDns), domain, namespace };
  } catch (error) {
    throw new InputError((error as Error).message, { cause: error });
  }
}

async function kept(folder: string) {
  try {
    return await readStackFile(folder);
  } catch (error) {
    if (error instanceof StackError) throw new InputError(error.message, { cause: error });
    throw error;
  }
}
