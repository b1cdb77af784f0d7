import type { OrderEvent } from "./order-event.ts";

/** A part of a log. */
export interface EventPage {
  /** In the order of their sequence. */
  readonly events: readonly OrderEvent[];
  /** Nothing will ever follow. */
  readonly isLast: boolean;
}
