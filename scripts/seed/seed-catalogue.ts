import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { connect, discovery } from "@holdfast/rpc";
import { clusterTarget, type Stack } from "@holdfast/stack";
import { catalogueOf } from "../replay/catalogue-of.ts";
import { systemClock as clock } from "../replay/clock.ts";
import { importCatalogue } from "../replay/import-catalogue.ts";
import { persistence } from "../replay/persistence.ts";
import { readRows } from "../replay/read-rows.ts";

const DATA = join(import.meta.dirname, "../../data/online-retail");
/** Two real trading days. */
const FILES = ["2010-12-01.csv", "2010-12-06.csv"].map((name) => join(DATA, name));

const IMPORT_TIMEOUT_MS = 60_000;
/** A product service that is killed meanwhile is back in seconds. */
const GIVE_UP_AFTER_MS = 30_000;

/** A product that can be ordered. */
export interface ExampleProduct {
  readonly id: string;
  readonly name: string;
}

interface Seeded {
  readonly files: readonly string[];
  readonly products: number;
  readonly example: ExampleProduct;
}

export interface SeedDeps {
  stack: Pick<Stack, "folder" | "clusterDns">;
  onProgress: (message: string) => void;
  signal: AbortSignal;
}

/**
 * Fills the catalogue with the products of the shipped days, once a folder. A file says that it was done: written last,
 * so that a seed that was interrupted is done again, which changes nothing (it is an upsert).
 */
export async function seedCatalogue({ stack, onProgress, signal }: SeedDeps): Promise<ExampleProduct> {
  const { seeded } = stack.folder;
  const done = await readFile(seeded, "utf8").catch(() => undefined); // not yet
  if (done !== undefined) return (JSON.parse(done) as Seeded).example;

  onProgress(`reading the products of ${FILES.map((file) => basename(file)).join(" and ")}`);
  const catalogue = await catalogueOf(rowsOf(FILES));
  const instances = discovery({ resolver: { servers: [stack.clusterDns] } });
  const options = { discovery: instances, timeoutMs: IMPORT_TIMEOUT_MS };
  using products = connect(ProductServiceDefinition, clusterTarget("product"), options);
  const patience = persistence({ clock, signal, giveUpAfterMs: GIVE_UP_AFTER_MS });
  const { ids } = await importCatalogue(catalogue, { products, persistence: patience, signal });
  onProgress(`imported ${ids.size} products`);

  const [first] = catalogue;
  const id = first === undefined ? undefined : ids.get(first.sku);
  if (first === undefined || id === undefined) throw new Error(`Cannot seed: there are no products in ${DATA}`);
  const example = { id, name: first.name };
  const content: Seeded = { files: FILES.map((file) => basename(file)), products: ids.size, example };
  await writeFile(seeded, `${JSON.stringify(content, undefined, 2)}\n`);
  return example;
}

async function* rowsOf(files: readonly string[]) {
  for (const file of files) yield* readRows(file);
}
