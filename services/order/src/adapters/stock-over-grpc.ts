import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Connected } from "@holdfast/rpc";
import type { CommitAnswer, ReleaseAnswer, ReserveAnswer } from "../domain/saga/saga.ts";
import type { Scope } from "../domain/scope.ts";
import { answered } from "./answered.ts";

/** Reasons that settle a reservation: nothing is kept for the order. */
const RESERVE_REFUSALS: ReadonlySet<string> = new Set(["OUT_OF_STOCK", "PRODUCT_NOT_FOUND", "RESERVATION_RELEASED"]);
/** Reasons that settle a commit: nothing is kept, nor ever will be once a release has been recorded. */
const COMMIT_REFUSALS: ReadonlySet<string> = new Set(["RESERVATION_NOT_FOUND", "RESERVATION_RELEASED"]);

type StockClient = Pick<Connected<ProductServiceDefinition>, "reserveStock" | "commitStock" | "releaseStock">;

/** The stock of the product service, each call keyed by the order's id. */
export function stockOverGrpc(client: StockClient) {
  return {
    reserve: (
      orderId: string,
      items: readonly { readonly productId: string; readonly quantity: number }[],
      { deadline, signal }: Scope,
    ): Promise<ReserveAnswer> =>
      answered<ReserveAnswer>(
        async () => {
          const request = { orderId, items: items.map(({ productId, quantity }) => ({ productId, quantity })) };
          await client.reserveStock(request, { deadline, signal });
          return { kind: "reserved" };
        },
        ({ reason }) => (RESERVE_REFUSALS.has(reason) ? { kind: "refused" } : undefined),
      ),

    commit: (orderId: string, { deadline, signal }: Scope): Promise<CommitAnswer> =>
      answered<CommitAnswer>(
        async () => {
          await client.commitStock({ orderId }, { deadline, signal });
          return { kind: "committed" };
        },
        ({ reason }) => (COMMIT_REFUSALS.has(reason) ? { kind: "refused" } : undefined),
      ),

    release: (orderId: string, { deadline, signal }: Scope): Promise<ReleaseAnswer> =>
      answered<ReleaseAnswer>(async () => {
        await client.releaseStock({ orderId }, { deadline, signal });
        return { kind: "released" };
      }),
  };
}
