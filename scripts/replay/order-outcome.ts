import type { RemoteError } from "@holdfast/rpc";

/** How an order of the replay ended. */
export type OrderOutcome =
  | {
      kind: "terminal";
      orderId: string;
      state: "CONFIRMED" | "CANCELLED";
      /** Why, with CANCELLED. */
      reason: string;
      /** What the server priced it at. */
      totalPence: bigint;
      /** Whether CancelOrder came after the order had been confirmed, or was being. */
      cancelledTooLate: boolean;
    }
  /** Accepted, but not settled in time. */
  | { kind: "not terminal"; orderId: string; state: string }
  /** The service will not take it. */
  | { kind: "refused"; error: RemoteError }
  /** The service was away for too long; whether it has the order is not known. */
  | { kind: "given up"; error: RemoteError };
