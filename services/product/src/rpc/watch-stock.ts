import type {
  DeepPartial,
  ProductServiceDefinition,
  WatchStockRequest,
  WatchStockResponse,
} from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Handlers } from "@holdfast/rpc";
import type { StockLevel } from "../domain/product.ts";
import type { Scope } from "../domain/scope.ts";
import { EVERY_PRODUCT, MOST_SUBSCRIPTIONS, type StockNews, StockWatch } from "../domain/stock-watch.ts";
import { boundedScope } from "./bounded-scope.ts";
import { tooManySubscriptions } from "./errors.ts";
import { stockToProto } from "./to-proto.ts";
import { WakeUp } from "./wake-up.ts";

/** Levels that are looked up together. */
const LOOKUP_PRODUCTS = 100;
/** Longest time for one look-up: the watch may last an hour, a connection is not kept for that. Unit: milliseconds. */
const LOOKUP_MS = 5_000;

/** The stock of the products that exist, in no order. */
export type ReadStockLevels = (scope: Scope, productIds: readonly string[]) => Promise<StockLevel[]>;

/** Changes from now on, for one reader. */
export interface StockChanges extends Disposable {
  /** Ids of changed products, `*` for all; an empty set when `maxWaitMs` passed. @throws When the signal aborts. */
  next(signal: AbortSignal, maxWaitMs: number): Promise<ReadonlySet<string>>;
}

export interface WatchStockDeps {
  readLevels: ReadStockLevels;
  follow: () => StockChanges;
  /** Idle time after which a heartbeat is sent. Unit: milliseconds. */
  heartbeatMs: number;
  /** Levels are looked up this often although no change was told. Unit: milliseconds. */
  pollMs: number;
  /** A level that waited longer for its reader than this is looked up again. Unit: milliseconds. @default 100 */
  staleAfterMs?: number;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/**
 * WatchStock: two readers, one of the requests and one of the changes, say what is new; the stream looks it up when the
 * client has taken what came before. Changes are followed before the first level is read, so none falls in between.
 */
export function watchStock(deps: WatchStockDeps): Handlers<typeof ProductServiceDefinition>["watchStock"] {
  const { follow, heartbeatMs, pollMs, now } = deps;
  return async function* (requests, { deadline, signal }) {
    const watch = new StockWatch();
    const wakeUp = new WakeUp();
    const over = new AbortController();
    using changes = follow();
    const changesRead = beside(
      wakeUp,
      readChanges(changes, watch, wakeUp, pollMs, AbortSignal.any([signal, over.signal])),
    );
    // After the client ended its side, what it asked for is told; what changes from then on is not.
    const requestsRead = beside(
      wakeUp,
      readRequests(requests, watch, wakeUp).finally(() => over.abort()),
    );

    try {
      for (let idleSince = now(); ; ) {
        requestsRead.throwIfFailed();
        if (watch.hasPending) {
          for await (const news of lookUp(deps, { deadline, signal }, watch)) {
            yield newsToProto(news);
            idleSince = now();
          }
          continue;
        }
        if (requestsRead.ended) return;
        changesRead.throwIfFailed();
        await wakeUp.wait(idleSince + heartbeatMs - now(), signal);
        if (now() - idleSince < heartbeatMs) continue;
        yield { heartbeat: { time: new Date(now()) } };
        idleSince = now();
      }
    } finally {
      over.abort();
    }
  };
}

async function readRequests(
  requests: AsyncIterable<WatchStockRequest>,
  watch: StockWatch,
  wakeUp: WakeUp,
): Promise<void> {
  for await (const { subscribe, unsubscribe } of requests) {
    // In this order, so that one message can exchange all that is watched.
    watch.unsubscribe(unsubscribe);
    if (!watch.subscribe(subscribe)) throw tooManySubscriptions(MOST_SUBSCRIPTIONS);
    wakeUp.call();
  }
}

async function readChanges(
  changes: StockChanges,
  watch: StockWatch,
  wakeUp: WakeUp,
  pollMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (true) {
    const changed = await changes.next(signal, pollMs);
    watch.markChanged(changed.size === 0 ? new Set([EVERY_PRODUCT]) : changed);
    if (watch.hasPending) wakeUp.call();
  }
}

/** One look at what is pending. What a slow client lets become stale is left pending. */
async function* lookUp(
  { readLevels, staleAfterMs = 100, now }: WatchStockDeps,
  scope: Scope,
  watch: StockWatch,
): AsyncGenerator<StockNews> {
  const ids = watch.takePending(LOOKUP_PRODUCTS);
  const levels = new Map(
    (await readLevels(boundedScope(scope, LOOKUP_MS, now), ids)).map((level) => [level.productId, level]),
  );
  const readAt = now();
  for (const [index, id] of ids.entries()) {
    if (now() - readAt > staleAfterMs) {
      watch.putBack(ids.slice(index));
      return;
    }
    const news = watch.tell(id, levels.get(id));
    if (news !== undefined) yield news;
  }
}

function newsToProto(news: StockNews): DeepPartial<WatchStockResponse> {
  if (news.kind === "unknown") return { unknownProductId: news.productId };
  const { productId, stock, version } = news.level;
  return { level: { productId, stock: stockToProto(stock), version } };
}

/** Work beside the stream: the stream wakes when it ends, and throws what it failed with. */
function beside(wakeUp: WakeUp, work: Promise<void>): { readonly ended: boolean; throwIfFailed(): void } {
  let ended = false;
  let failure: { error: unknown } | undefined;
  const end = (failed?: { error: unknown }) => {
    ended = true;
    failure = failed;
    wakeUp.call();
  };
  work.then(
    () => end(),
    (error: unknown) => end({ error }),
  );
  return {
    get ended() {
      return ended;
    },
    throwIfFailed() {
      if (failure !== undefined) throw failure.error;
    },
  };
}
