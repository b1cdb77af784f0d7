import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Handlers } from "@holdfast/rpc";
import type { CommitOutcome } from "../domain/reservation.ts";
import type { Scope } from "../domain/scope.ts";
import { reservationNotFound, reservationReleased } from "./errors.ts";
import { reservationToProto } from "./to-proto.ts";

export type CommitStock = (scope: Scope, orderId: string) => Promise<CommitOutcome>;

/** CommitStock: an order's reserved units are sold. */
export function commitStock({
  commit,
}: {
  commit: CommitStock;
}): Handlers<typeof ProductServiceDefinition>["commitStock"] {
  return async ({ orderId }, { deadline, signal }) => {
    const outcome = await commit({ deadline, signal }, orderId);
    switch (outcome.kind) {
      case "committed":
        return { reservation: reservationToProto(outcome.reservation) };
      case "not_found":
        throw reservationNotFound(orderId);
      case "released":
        throw reservationReleased(orderId);
      default:
        return outcome satisfies never;
    }
  };
}
