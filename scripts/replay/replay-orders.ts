import type { Clock } from "./clock.ts";
import type { FollowedOrder } from "./follow-order.ts";
import type { OrderOutcome } from "./order-outcome.ts";
import type { PlannedOrder } from "./orders-of.ts";
import type { PlacedOrder } from "./place-order.ts";
import { semaphore } from "./semaphore.ts";

/** Orders that are followed at the same time: fewer than the streams that one connection may have. */
const FOLLOWERS = 64;

export interface ReplayOrdersDeps {
  place: (order: PlannedOrder) => Promise<PlacedOrder>;
  follow: (orderId: string) => Promise<FollowedOrder>;
  /** How many times faster than in the file; Infinity does not wait at all. */
  speedUp: number;
  /** Orders that are placed at the same time. */
  concurrency: number;
  clock: Clock;
  signal: AbortSignal;
  onPlaced: () => void;
  onSettled: () => void;
}

export interface ReplayedOrders {
  /** In the order of the planned ones. */
  readonly outcomes: readonly OrderOutcome[];
  /** The longest that an order was placed after its time, since all places were taken. Unit: milliseconds. */
  readonly lateMs: number;
}

/** Places each order at its time and follows it to its end. */
export async function replayOrders(orders: readonly PlannedOrder[], deps: ReplayOrdersDeps): Promise<ReplayedOrders> {
  const { clock, signal, speedUp } = deps;
  const enterPlacing = semaphore(deps.concurrency);
  const enterFollowing = semaphore(FOLLOWERS);
  const startedAt = clock.now();
  const firstTime = orders[0]?.time ?? 0;
  let lateMs = 0;

  const runOne = async (order: PlannedOrder, leavePlacing: () => void): Promise<OrderOutcome> => {
    const placed = await deps.place(order).finally(leavePlacing);
    deps.onPlaced();
    const outcome = await followed(placed, deps.follow, enterFollowing);
    deps.onSettled();
    return outcome;
  };

  const running: Promise<OrderOutcome>[] = [];
  for (const order of orders) {
    const dueAt = startedAt + (order.time - firstTime) / speedUp;
    if (clock.now() < dueAt) await clock.sleep(dueAt - clock.now(), signal);
    const leavePlacing = await enterPlacing();
    signal.throwIfAborted();
    if (Number.isFinite(speedUp)) lateMs = Math.max(lateMs, clock.now() - dueAt);
    const outcome = runOne(order, leavePlacing);
    outcome.catch(() => undefined); // it is awaited below; until then it must not count as unhandled
    running.push(outcome);
  }
  return { outcomes: await Promise.all(running), lateMs };
}

async function followed(
  placed: PlacedOrder,
  follow: (orderId: string) => Promise<FollowedOrder>,
  enter: () => Promise<() => void>,
): Promise<OrderOutcome> {
  if (placed.kind !== "accepted") return placed;
  const { orderId, totalPence, cancelledTooLate } = placed;
  const leave = await enter();
  const end = await follow(orderId).finally(leave);
  return end.kind === "terminal" ? { ...end, orderId, totalPence, cancelledTooLate } : { ...end, orderId };
}
