import type { Connected } from "@holdfast/rpc";
import type { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import type { Clock } from "./clock.ts";
import { followOrder } from "./follow-order.ts";
import type { Persistence } from "./persistence.ts";
import { placeOrder } from "./place-order.ts";
import type { Progress } from "./progress.ts";
import type { Day } from "./read-day.ts";
import { replayOrders } from "./replay-orders.ts";
import type { ReplayedDay } from "./summary.ts";

/** How long a day takes unless another speed-up is asked for. Unit: milliseconds. */
const USUAL_MS = 60_000;

export interface ReplayDayDeps {
  /** Takes the orders. */
  orders: Connected<typeof OrderServiceDefinition>;
  /** Another connection, so that streams and orders do not wait for each other. */
  streams: Connected<typeof OrderServiceDefinition>;
  productIds: ReadonlyMap<string, string>;
  run: string;
  paymentMethod: string;
  concurrency: number;
  /** Undefined: as fast as a day takes {@link USUAL_MS}. */
  speedUp: number | undefined;
  persistence: Persistence;
  clock: Clock;
  signal: AbortSignal;
  progress: Progress;
}

/** Places all orders of a day and follows each to its end. */
export async function replayDay(day: Day, deps: ReplayDayDeps): Promise<ReplayedDay> {
  const { clock, progress, streams } = deps;
  const startedAt = clock.now();
  const { outcomes, lateMs } = await replayOrders(day.orders, {
    ...deps,
    speedUp: deps.speedUp ?? usualSpeedUp(day),
    place: (order) => placeOrder(order, deps),
    follow: (orderId) => followOrder(orderId, { ...deps, orders: streams }),
    onPlaced: () => progress.placed(),
    onSettled: () => progress.settled(),
  });
  return { day, outcomes, elapsedMs: clock.now() - startedAt, lateMs };
}

function usualSpeedUp({ orders }: Day): number {
  const spanMs = (orders.at(-1)?.time ?? 0) - (orders[0]?.time ?? 0);
  return Math.max(1, spanMs / USUAL_MS);
}
