import { type Database, sql, type Transaction } from "@holdfast/storage";
import {
  type CommitOutcome,
  findShortage,
  mergeItems,
  type ReleaseOutcome,
  type Reservation,
  ReservationState,
  repeatReserve,
  type ReserveOutcome,
  type StockItem,
} from "../domain/reservation.ts";
import type { Scope } from "../domain/scope.ts";
import { notifyStock } from "./notify-stock.ts";
import type { Schema } from "./schema.ts";

/**
 * Takes all items out of the available stock, or none. The order's row comes first: it makes calls for one order wait
 * for each other. Then the products are locked in the order of their ids, as everywhere, so that orders over the same
 * products wait and never deadlock.
 */
export function reserveStock(db: Database<Schema>) {
  return (scope: Scope, orderId: string, requested: readonly StockItem[]): Promise<ReserveOutcome> => {
    const items = mergeItems(requested);
    return db.transaction(scope, async (tx) => {
      const isNew = await insertReservation(tx, orderId, ReservationState.Reserved);
      if (!isNew) return repeatReserve(await lockKnownReservation(tx, orderId), items);

      const available = await lockProducts(tx, productIdsOf(items));
      const shortage = findShortage(items, available);
      if (shortage !== undefined) {
        // Nothing is remembered: the same order may find more tomorrow.
        await tx.deleteFrom("reservation").where("order_id", "=", orderId).execute();
        return shortage;
      }
      await takeItems(tx, orderId, items);
      return { kind: "reserved", reservation: { orderId, state: ReservationState.Reserved, items } };
    });
  };
}

/** Turns an order's reserved units into sold ones. */
export function commitStock(db: Database<Schema>) {
  return (scope: Scope, orderId: string): Promise<CommitOutcome> =>
    db.transaction(scope, async (tx) => {
      const reservation = await lockReservation(tx, orderId);
      if (reservation === undefined) return { kind: "not_found" };
      if (reservation.state === ReservationState.Released) return { kind: "released" };
      if (reservation.state === ReservationState.Committed) return { kind: "committed", reservation };
      await sell(tx, reservation);
      return { kind: "committed", reservation: await moveTo(tx, reservation, ReservationState.Committed) };
    });
}

/** Gives an order's reserved units back; for an unknown order leaves a row that refuses a reservation that comes late. */
export function releaseStock(db: Database<Schema>) {
  return (scope: Scope, orderId: string): Promise<ReleaseOutcome> =>
    db.transaction(scope, async (tx) => {
      if (await insertReservation(tx, orderId, ReservationState.Released)) {
        return { kind: "released", reservation: { orderId, state: ReservationState.Released, items: [] } };
      }
      const reservation = await lockKnownReservation(tx, orderId);
      if (reservation.state === ReservationState.Committed) return { kind: "committed" };
      if (reservation.state === ReservationState.Released) return { kind: "released", reservation };
      await giveBack(tx, reservation);
      return { kind: "released", reservation: await moveTo(tx, reservation, ReservationState.Released) };
    });
}

/** Waits for another transaction that is inserting the same order. @returns Whether there was none. */
async function insertReservation(tx: Transaction<Schema>, orderId: string, state: ReservationState): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto("reservation")
    .values({ order_id: orderId, state })
    .onConflict((conflict) => conflict.column("order_id").doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

async function moveTo(
  tx: Transaction<Schema>,
  reservation: Reservation,
  state: ReservationState,
): Promise<Reservation> {
  await tx
    .updateTable("reservation")
    .set({ state, update_time: sql<Date>`now()` })
    .where("order_id", "=", reservation.orderId)
    .execute();
  return { ...reservation, state };
}

/** Locks the products that exist, in the order of their ids, and gives their available units. */
async function lockProducts(tx: Transaction<Schema>, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ id: string; stock: bigint }>`
    select id, stock from product where id = any(${ids}::text[]) order by id for no key update`.execute(tx);
  return new Map(rows.map(({ id, stock }) => [id, Number(stock)]));
}

async function takeItems(tx: Transaction<Schema>, orderId: string, items: readonly StockItem[]): Promise<void> {
  const ids = productIdsOf(items);
  const quantities = items.map(({ quantity }) => quantity);
  await sql`
    with item as (
      insert into reservation_item (order_id, product_id, quantity)
      select ${orderId}, * from unnest(${ids}::text[], ${quantities}::bigint[])
      returning product_id, quantity
    )
    update product set
      stock = product.stock - item.quantity,
      reserved = product.reserved + item.quantity,
      stock_version = product.stock_version + 1
    from item where product.id = item.product_id`.execute(tx);
  await notifyStock(tx, ids);
}

async function sell(tx: Transaction<Schema>, { orderId, items }: Reservation): Promise<void> {
  await lockProducts(tx, productIdsOf(items));
  await sql`
    update product set reserved = product.reserved - item.quantity, sold = product.sold + item.quantity
    from reservation_item as item
    where item.order_id = ${orderId} and product.id = item.product_id`.execute(tx);
}

async function giveBack(tx: Transaction<Schema>, { orderId, items }: Reservation): Promise<void> {
  const ids = productIdsOf(items);
  await lockProducts(tx, ids);
  await sql`
    update product set
      stock = product.stock + item.quantity,
      reserved = product.reserved - item.quantity,
      stock_version = product.stock_version + 1
    from reservation_item as item
    where item.order_id = ${orderId} and product.id = item.product_id`.execute(tx);
  await notifyStock(tx, ids);
}

async function lockKnownReservation(tx: Transaction<Schema>, orderId: string): Promise<Reservation> {
  const reservation = await lockReservation(tx, orderId);
  if (reservation === undefined) throw new Error("A reservation is gone that was there a moment ago");
  return reservation;
}

/** Its state after every transaction that was moving it; the items never change. */
async function lockReservation(tx: Transaction<Schema>, orderId: string): Promise<Reservation | undefined> {
  const rows = await tx
    .selectFrom("reservation")
    .leftJoin("reservation_item as item", "item.order_id", "reservation.order_id")
    .select(["reservation.state", "item.product_id", "item.quantity"])
    .where("reservation.order_id", "=", orderId)
    .orderBy("item.product_id")
    .forUpdate("reservation")
    .execute();
  const [first] = rows;
  if (first === undefined) return undefined;
  const items = rows.flatMap(({ product_id: productId, quantity }) =>
    productId === null ? [] : [{ productId, quantity: Number(quantity) }],
  );
  return { orderId, state: first.state, items };
}

function productIdsOf(items: readonly StockItem[]): string[] {
  return items.map(({ productId }) => productId);
}
