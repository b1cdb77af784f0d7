import type {
  ImportProductsResponse,
  ProductServiceDefinition,
} from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Handlers } from "@holdfast/rpc";
import { checkRow } from "../domain/check-row.ts";
import { ImportCounter, type ImportTally } from "../domain/import-tally.ts";
import type { ProductDraft } from "../domain/product.ts";
import type { Scope } from "../domain/scope.ts";
import { boundedScope } from "./bounded-scope.ts";

/** Rows that are stored together, or more by what is left of a message. */
const BATCH_ROWS = 1_000;
/**
 * Longest time for one batch: the import may take an hour, but if this process freezes, orders over these products wait for
 * the batch's locks until the database ends its transaction. Unit: milliseconds.
 */
const BATCH_MS = 10_000;

/** Makes or updates products by sku, of two drafts with one sku the later one counts. @returns How many were made. */
export type StoreDrafts = (scope: Scope, drafts: readonly ProductDraft[]) => Promise<{ created: number }>;

/**
 * ImportProducts: good rows are stored batch by batch, bad ones counted and the first of them told. While one batch is
 * stored the next one is read, and no more than that: memory does not grow with the import.
 */
export function importProducts({
  store,
}: {
  store: StoreDrafts;
}): Handlers<typeof ProductServiceDefinition>["importProducts"] {
  return async (requests, { deadline, signal }) => {
    const counter = new ImportCounter();
    const storeCounted = async (drafts: readonly ProductDraft[]) => {
      const { created } = await store(boundedScope({ deadline, signal }, BATCH_MS), drafts);
      counter.store({ rows: drafts.length, created });
    };
    let batch: ProductDraft[] = [];
    let storing = Promise.resolve();

    try {
      for await (const { rows } of requests) {
        for (const row of rows) {
          counter.receive();
          const checked = checkRow(row);
          if (checked.kind === "ok") batch.push(checked.draft);
          else counter.reject(row.sku, checked);
        }
        if (batch.length < BATCH_ROWS) continue;
        await storing;
        storing = storeCounted(batch);
        storing.catch(() => undefined); // thrown where it is awaited; until then the next message may be long in coming
        batch = [];
      }
      await storing;
      if (batch.length > 0) await storeCounted(batch);
    } finally {
      // What the stream failed with is what the client hears, and nothing goes on behind the answer.
      await storing.catch(() => undefined);
    }
    return tallyToProto(counter);
  };
}

function tallyToProto({ received, created, updated, rejected, errors }: ImportTally): ImportProductsResponse {
  return {
    receivedCount: BigInt(received),
    createdCount: BigInt(created),
    updatedCount: BigInt(updated),
    rejectedCount: BigInt(rejected),
    errors: errors.map((error) => ({ ...error, rowNumber: BigInt(error.rowNumber) })),
  };
}
