import { join } from "node:path";
import { readStackFile, StackError } from "@holdfast/stack";
import type { BooksLocation } from "./books.ts";
import { InputError } from "./input-error.ts";

/** Where `npm start` keeps its data unless told otherwise. */
export const STATE_FOLDER = join(import.meta.dirname, "..", "..", ".holdfast");

export interface StackLocation {
  /** host:port of the services that a replay talks to. */
  readonly targets: { readonly order: string; readonly product: string };
  readonly books: BooksLocation;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the stack is: from the environment (ORDER_TARGET, PRODUCT_TARGET, ORDER_DATABASE_URL, PRODUCT_DATABASE_URL,
 * PAYMENT_DATABASE_URL, PROVIDER_FILE), and what that leaves open from the folder of `npm start`.
 *
 * @throws {InputError} If that says nothing either.
 */
export async function findStack(folder = STATE_FOLDER, env: Environment = process.env): Promise<StackLocation> {
  const named = {
    order: env["ORDER_TARGET"],
    product: env["PRODUCT_TARGET"],
    orderDatabaseUrl: env["ORDER_DATABASE_URL"],
    productDatabaseUrl: env["PRODUCT_DATABASE_URL"],
    paymentDatabaseUrl: env["PAYMENT_DATABASE_URL"],
    providerFile: env["PROVIDER_FILE"],
  };
  const found = Object.values(named).includes(undefined) ? await kept(folder) : undefined;
  return {
    targets: {
      order: named.order ?? found?.targets.order ?? "",
      product: named.product ?? found?.targets.product ?? "",
    },
    books: {
      orderDatabaseUrl: named.orderDatabaseUrl ?? found?.databaseUrls.order ?? "",
      productDatabaseUrl: named.productDatabaseUrl ?? found?.databaseUrls.product ?? "",
      paymentDatabaseUrl: named.paymentDatabaseUrl ?? found?.databaseUrls.payment ?? "",
      providerFile: named.providerFile ?? found?.providerFile ?? "",
    },
  };
}

async function kept(folder: string) {
  try {
    return await readStackFile(folder);
  } catch (error) {
    if (error instanceof StackError) throw new InputError(error.message, { cause: error });
    throw error;
  }
}
