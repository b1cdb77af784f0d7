import type { RowFault } from "./check-row.ts";

/** Faults that are told; more are only counted. */
const MOST_ERRORS = 100;
const LONGEST_SKU = 64;

/** Why a row was left out. */
export interface RowError {
  /** 1 is the first row of the import. */
  readonly rowNumber: number;
  readonly sku: string;
  readonly field: string;
  readonly description: string;
}

/** What became of an import's rows so far. `received` is the sum of the other three. */
export interface ImportTally {
  readonly received: number;
  readonly created: number;
  /** Counts a row too that a later row of the same sku replaced before it was stored. */
  readonly updated: number;
  readonly rejected: number;
  readonly errors: readonly RowError[];
}

/** Counts an import's rows. Its size does not grow with the import. */
export class ImportCounter implements ImportTally {
  created = 0;
  updated = 0;
  rejected = 0;
  readonly errors: RowError[] = [];
  #received = 0;

  get received(): number {
    return this.#received;
  }

  /** Every row passes here, in the order of the stream. */
  receive(): void {
    this.#received += 1;
  }

  /** The row received last is left out. */
  reject(sku: string, { field, description }: RowFault): void {
    this.rejected += 1;
    if (this.errors.length === MOST_ERRORS) return;
    this.errors.push({ rowNumber: this.#received, sku: cut(sku), field, description });
  }

  /** Good rows were stored; `created` of them made a product. */
  store({ rows, created }: { rows: number; created: number }): void {
    this.created += created;
    this.updated += rows - created;
  }
}

function cut(text: string): string {
  return text.length <= LONGEST_SKU ? text : Array.from(text).slice(0, LONGEST_SKU).join("");
}
