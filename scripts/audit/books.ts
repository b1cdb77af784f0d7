import { type ProviderEffects, readProviderEffects } from "./provider-effects.ts";
import { readSnapshot, type Snapshot } from "./read-snapshot.ts";

/** Where the books are. The audit is the only one that reads more than one of them. */
export interface BooksLocation {
  readonly orderDatabaseUrl: string;
  readonly productDatabaseUrl: string;
  readonly paymentDatabaseUrl: string;
  /** The payment provider's own file of effects. */
  readonly providerFile: string;
}

/** An order as the order service has it. */
export interface OrderRow {
  readonly id: string;
  readonly state: string;
  readonly isTerminal: boolean;
  readonly total: bigint;
  readonly currency: string;
  /** Since its state last changed, by the database's clock. Unit: seconds. */
  readonly unchangedForS: number;
}

/**
 * All books, each as it was at one moment, the orders first: whatever follows from an order that had ended by then
 * stands in the others. The provider comes last: whatever the ledger has, it has.
 */
export interface Books extends AsyncDisposable {
  readonly orderBook: Snapshot;
  readonly products: Snapshot;
  readonly payments: Snapshot;
  readonly provider: ProviderEffects;
  /** Every order, by id. */
  readonly orders: ReadonlyMap<string, OrderRow>;
}

/** Opens the books. Changes nothing in them. */
export async function openBooks(location: BooksLocation): Promise<Books> {
  await using opened = new AsyncDisposableStack();
  const orderBook = opened.use(await readSnapshot(location.orderDatabaseUrl));
  const products = opened.use(await readSnapshot(location.productDatabaseUrl));
  const payments = opened.use(await readSnapshot(location.paymentDatabaseUrl));
  const provider = await readProviderEffects(location.providerFile);
  const rows = await orderBook.query<OrderRow>(`
    select id, state, state in ('CONFIRMED', 'CANCELLED') as "isTerminal", total_minor_units as total, currency_code as currency,
           extract(epoch from now() - update_time)::float8 as "unchangedForS"
      from orders order by id`);
  const orders = new Map(rows.map((row) => [row.id, row]));
  const all = opened.move();
  return { orderBook, products, payments, provider, orders, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
