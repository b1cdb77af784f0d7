import type { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Handlers } from "@holdfast/rpc";
import type { ReleaseOutcome } from "../domain/reservation.ts";
import type { Scope } from "../domain/scope.ts";
import { reservationCommitted } from "./errors.ts";
import { reservationToProto } from "./to-proto.ts";

export type ReleaseStock = (scope: Scope, orderId: string) => Promise<ReleaseOutcome>;

/** ReleaseStock: an order's reserved units are available again. */
export function releaseStock({
  release,
}: {
  release: ReleaseStock;
}): Handlers<typeof ProductServiceDefinition>["releaseStock"] {
  return async ({ orderId }, { deadline, signal }) => {
    const outcome = await release({ deadline, signal }, orderId);
    switch (outcome.kind) {
      case "released":
        return { reservation: reservationToProto(outcome.reservation) };
      case "committed":
        throw reservationCommitted(orderId);
      default:
        return outcome satisfies never;
    }
  };
}
