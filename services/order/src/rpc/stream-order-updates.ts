import type {
  OrderServiceDefinition,
  StreamOrderUpdatesRequest,
  StreamOrderUpdatesResponse,
} from "@holdfast/contracts/ecommerce/order/v1/order_service";
import type { Handlers } from "@holdfast/rpc";
import type { EventPage } from "../domain/event-page.ts";
import type { OrderEvent } from "../domain/order-event.ts";
import type { Scope } from "../domain/scope.ts";
import { eventToProto } from "./event-to-proto.ts";
import { orderNotFound } from "./order-not-found.ts";

const PAGE_SIZE = 100;
/** Longest time for one read: a stream's own deadline may be an hour away. Unit: milliseconds. */
const READ_MS = 5_000;

interface News extends Disposable {
  /** Resolves when there may be something new, or after `maxWaitMs`. */
  next(signal: AbortSignal, maxWaitMs: number): Promise<unknown>;
}

interface Dependencies {
  readOrderEvents(orderId: string, after: bigint, limit: number, scope: Scope): Promise<EventPage | undefined>;
  readCustomerEvents(customerId: string, after: bigint, limit: number, scope: Scope): Promise<EventPage>;
  /** Collects news of an order or a customer from now on. */
  subscribe(orderOrCustomerId: string): News;
  /** A stream that has been idle for so long shows that it is alive. Unit: milliseconds. */
  heartbeatMs: number;
  /** Looks at the log this often even without news, ± 20 %. Unit: milliseconds. */
  pollMs: number;
  now: () => number;
  /** In [0, 1). */
  random: () => number;
}

/**
 * StreamOrderUpdates: what the log has after `after_sequence`, then what comes. The log is read page by page, in a
 * transaction each: none is open while the client reads.
 */
export function streamOrderUpdates(deps: Dependencies): Handlers<OrderServiceDefinition>["streamOrderUpdates"] {
  return async function* (request, { deadline, signal }): AsyncGenerator<StreamOrderUpdatesResponse> {
    const { id, read, sequenceOf } = followed(request, deps);
    using news = deps.subscribe(id);
    let after = request.afterSequence;
    let lastSent = deps.now();
    for (;;) {
      const page = await read(after, { deadline: Math.min(deadline, deps.now() + READ_MS), signal });
      for (const event of page.events) {
        yield { event: eventToProto(event), heartbeatTime: undefined };
        after = sequenceOf(event);
        lastSent = deps.now();
      }
      if (page.isLast) return;
      if (page.events.length === PAGE_SIZE) continue;
      if (deps.now() - lastSent >= deps.heartbeatMs) {
        lastSent = deps.now();
        yield { event: undefined, heartbeatTime: new Date(lastSent) };
      }
      // Streams that came together, as after a restart, look at the log at different times.
      const pollMs = deps.pollMs * (0.8 + 0.4 * deps.random());
      await news.next(signal, Math.max(1, Math.min(pollMs, lastSent + deps.heartbeatMs - deps.now())));
    }
  };
}

interface Followed {
  id: string;
  read: (after: bigint, scope: Scope) => Promise<EventPage>;
  sequenceOf: (event: OrderEvent) => bigint;
}

function followed({ orderId, customerId }: StreamOrderUpdatesRequest, deps: Dependencies): Followed {
  if (orderId !== undefined) {
    return {
      id: orderId,
      read: async (after, scope) => {
        const page = await deps.readOrderEvents(orderId, after, PAGE_SIZE, scope);
        if (page === undefined) throw orderNotFound(orderId);
        return page;
      },
      sequenceOf: ({ sequence }) => BigInt(sequence),
    };
  }
  if (customerId === undefined) throw new Error("The contract requires a target");
  return {
    id: customerId,
    read: (after, scope) => deps.readCustomerEvents(customerId, after, PAGE_SIZE, scope),
    sequenceOf: ({ customerSequence }) => customerSequence,
  };
}
