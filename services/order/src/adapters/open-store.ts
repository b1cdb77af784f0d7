import type { Logger } from "@holdfast/process";
import { idempotencyInPostgres, listen, openDatabase, type Subscription } from "@holdfast/storage";
import { acceptOrder } from "./accept-order.ts";
import type { EventToJson } from "./append-event.ts";
import { EVENTS_CHANNEL, WORK_CHANNEL } from "./notify.ts";
import { findReply, pruneReplies } from "./order-keys-in-postgres.ts";
import { readCustomerEvents, readOrderEvents } from "./order-log-in-postgres.ts";
import { cancelOrder, findOrder, listOrders } from "./orders-in-postgres.ts";
import { sagaOrdersInPostgres } from "./saga-orders-in-postgres.ts";
import type { Schema } from "./schema.ts";

/** The worker's transactions are short: eight at a time serve more orders than that. */
const WORKER_CONNECTIONS = 8;
/** A worker has more patience than a caller. Unit: milliseconds. */
const WORKER_ACQUIRE_MS = 3_000;
/** Streams only read, some milliseconds each: what many of them ask for at once waits here, not before CreateOrder. */
const STREAM_CONNECTIONS = 3;
/** Less than a stream gives a read. Unit: milliseconds. */
const STREAM_ACQUIRE_MS = 4_000;

export interface OpenStoreOptions {
  config: {
    readonly DATABASE_URL: string;
    readonly DATABASE_CONNECTIONS: number;
    readonly LEASE_MS: number;
    readonly ORDER_EXPIRES_MS: number;
    readonly IDEMPOTENCY_KEEP_HOURS: number;
  };
  eventToJson: EventToJson;
  log: Logger;
}

/** Everything that this service keeps in its database. Disposing closes the connections. */
export type Store = ReturnType<typeof openStore>;

/** Opens three pools, so that calls, saga and streams never wait for each other's connections, and one that listens. */
export function openStore({ config, eventToJson, log }: OpenStoreOptions) {
  const url = config.DATABASE_URL;
  const onConnectionLost = (err: unknown) => log.warn({ err }, "lost a connection to the database");
  const db = openDatabase<Schema>({
    url,
    maxConnections: config.DATABASE_CONNECTIONS,
    applicationName: "order",
    onConnectionLost,
  });
  const workerDb = openDatabase<Schema>({
    url,
    maxConnections: WORKER_CONNECTIONS,
    acquireTimeoutMs: WORKER_ACQUIRE_MS,
    applicationName: "order-worker",
    onConnectionLost,
  });
  const streamDb = openDatabase<Schema>({
    url,
    maxConnections: STREAM_CONNECTIONS,
    acquireTimeoutMs: STREAM_ACQUIRE_MS,
    applicationName: "order-streams",
    onConnectionLost,
  });
  const notifications = listen(url, [WORK_CHANNEL, EVENTS_CHANNEL], { onConnectionLost });
  const leases = { leaseMs: config.LEASE_MS, expiresMs: config.ORDER_EXPIRES_MS };
  return {
    findReply: findReply(db),
    acceptOrder: acceptOrder(db, eventToJson),
    findOrder: findOrder(db),
    listOrders: listOrders(db),
    cancelOrder: cancelOrder(db, eventToJson),
    readOrderEvents: readOrderEvents(streamDb),
    readCustomerEvents: readCustomerEvents(streamDb),
    idempotentCalls: idempotencyInPostgres(db),
    pruneReplies: pruneReplies(workerDb, { keepHours: config.IDEMPOTENCY_KEEP_HOURS }),
    sagaOrders: sagaOrdersInPostgres({ db: workerDb, eventToJson, ...leases }),
    subscribeToEvents: (orderOrCustomerId: string): Subscription =>
      notifications.subscribe(EVENTS_CHANNEL, orderOrCustomerId),
    subscribeToWork: (): Subscription => notifications.subscribe(WORK_CHANNEL),
    async [Symbol.asyncDispose]() {
      await notifications[Symbol.asyncDispose]();
      await streamDb[Symbol.asyncDispose]();
      await workerDb[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}
