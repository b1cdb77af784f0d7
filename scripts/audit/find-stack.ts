import { join } from "node:path";
import { parseServers, scopeOf } from "@holdfast/rpc";
import { clusterTarget, readStackFile, StackError } from "@holdfast/stack";
import type { BooksLocation } from "./books.ts";
import { InputError } from "./input-error.ts";

/** Where `npm start` keeps its data unless told otherwise. */
export const STATE_FOLDER = join(import.meta.dirname, "..", "..", ".holdfast");

export interface StackLocation {
  /** Of the services that a replay talks to: names in a cluster, unless somebody has named something else. */
  readonly targets: { readonly order: string; readonly product: string };
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

/**
 * Where the stack is: from the environment (ORDER_TARGET, PRODUCT_TARGET, CLUSTER_DNS, CLUSTER_DOMAIN, POD_NAMESPACE,
 * ORDER_DATABASE_URL, PRODUCT_DATABASE_URL, PAYMENT_DATABASE_URL, PROVIDER_FILE), and what that leaves open from the folder of
 * `npm start`. The DNS server of that one is asked only if a target is left to it.
 *
 * @throws {InputError} If that says nothing either, or what it says cannot be.
 */
export async function findStack(folder = STATE_FOLDER, env: Environment = process.env): Promise<StackLocation> {
  const named = {
    order: env["ORDER_TARGET"] || undefined,
    product: env["PRODUCT_TARGET"] || undefined,
    orderDatabaseUrl: env["ORDER_DATABASE_URL"] || undefined,
    productDatabaseUrl: env["PRODUCT_DATABASE_URL"] || undefined,
    paymentDatabaseUrl: env["PAYMENT_DATABASE_URL"] || undefined,
    providerFile: env["PROVIDER_FILE"] || undefined,
  };
  const found = Object.values(named).includes(undefined) ? await kept(folder) : undefined;
  const ownTargets = named.order !== undefined && named.product !== undefined;
  return {
    targets: {
      order: named.order ?? clusterTarget("order"),
      product: named.product ?? clusterTarget("product"),
    },
    resolver: resolverOf(env, ownTargets ? undefined : found?.clusterDns),
    books: {
      orderDatabaseUrl: named.orderDatabaseUrl ?? found?.databaseUrls.order ?? "",
      productDatabaseUrl: named.productDatabaseUrl ?? found?.databaseUrls.product ?? "",
      paymentDatabaseUrl: named.paymentDatabaseUrl ?? found?.databaseUrls.payment ?? "",
      providerFile: named.providerFile ?? found?.providerFile ?? "",
    },
  };
}

/** With the names and defaults of the services' environment. */
function resolverOf(env: Environment, clusterDns: string | undefined): StackLocation["resolver"] {
  try {
    const { domain, namespace } = scopeOf({
      domain: env["CLUSTER_DOMAIN"] || "cluster.local",
      namespace: env["POD_NAMESPACE"] || "default",
    });
    return { servers: parseServers(env["CLUSTER_DNS"] || clusterDns), domain, namespace };
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
