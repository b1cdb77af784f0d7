import type { StockLevel } from "./product.ts";

/** Products that one stream may watch. */
export const MOST_SUBSCRIPTIONS = 1_000;

/** Stands for all products in a set of changed ones. */
export const EVERY_PRODUCT = "*";

/** Something to tell to the watcher. */
export type StockNews =
  | { readonly kind: "level"; readonly level: StockLevel }
  | { readonly kind: "unknown"; readonly productId: string };

/**
 * What one stream watches, and which of it has to be looked at. It remembers no levels, only that there is something
 * new: however slow the reader is, it holds one entry a subscription, and what is looked up then is the newest.
 */
export class StockWatch {
  /** The version told last, undefined before the first. */
  readonly #told = new Map<string, bigint | undefined>();
  readonly #pending = new Set<string>();

  /** Watches the products, and tells their levels (again). @returns False, and changes nothing, if they are too many. */
  subscribe(productIds: readonly string[]): boolean {
    const added = new Set(productIds.filter((id) => !this.#told.has(id)));
    if (this.#told.size + added.size > MOST_SUBSCRIPTIONS) return false;
    for (const id of productIds) {
      this.#told.set(id, undefined);
      this.#pending.add(id);
    }
    return true;
  }

  unsubscribe(productIds: readonly string[]): void {
    for (const id of productIds) {
      this.#told.delete(id);
      this.#pending.delete(id);
    }
  }

  /** Something happened to these products; {@link EVERY_PRODUCT} among them stands for all. */
  markChanged(productIds: ReadonlySet<string>): void {
    if (productIds.has(EVERY_PRODUCT)) {
      for (const id of this.#told.keys()) this.#pending.add(id);
      return;
    }
    for (const id of productIds) if (this.#told.has(id)) this.#pending.add(id);
  }

  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Products to look at now, longest waiting first. What happens to them from now on makes them pending again. */
  takePending(limit: number): string[] {
    const taken: string[] = [];
    for (const id of this.#pending) {
      if (taken.length === limit) break;
      taken.push(id);
      this.#pending.delete(id);
    }
    return taken;
  }

  /** These were taken but not told: look again. */
  putBack(productIds: readonly string[]): void {
    for (const id of productIds) if (this.#told.has(id)) this.#pending.add(id);
  }

  /** What to tell of a product that was looked up; `level` is undefined if there is no such product. */
  tell(productId: string, level: StockLevel | undefined): StockNews | undefined {
    if (!this.#told.has(productId)) return undefined;
    if (level === undefined) {
      this.unsubscribe([productId]);
      return { kind: "unknown", productId };
    }
    const told = this.#told.get(productId);
    if (told !== undefined && level.version <= told) return undefined;
    this.#told.set(productId, level.version);
    return { kind: "level", level };
  }
}
