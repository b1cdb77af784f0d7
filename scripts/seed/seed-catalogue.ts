import { basename, join } from "node:path";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { connect, discovery } from "@holdfast/rpc";
import { clusterTarget, readKept, type Stack, writePrivately } from "@holdfast/stack";
import { importDays } from "./import-days.ts";
import { patience } from "./patience.ts";

const DATA = join(import.meta.dirname, "../../data/online-retail");
/** Two real trading days. */
const FILES = ["2010-12-01.csv", "2010-12-06.csv"].map((name) => join(DATA, name));

const IMPORT_TIMEOUT_MS = 60_000;

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
  const done = await readKept<Seeded>(seeded);
  if (done.example !== undefined) return done.example;

  const instances = discovery({ resolver: { servers: [stack.clusterDns] } });
  const options = { discovery: instances, timeoutMs: IMPORT_TIMEOUT_MS };
  using products = connect(ProductServiceDefinition, clusterTarget("product"), options);
  const deps = { products, persistence: patience(signal), onProgress, signal };
  const { catalogue, ids } = await importDays(FILES, deps);

  const [first] = catalogue;
  const id = first === undefined ? undefined : ids.get(first.sku);
  if (first === undefined || id === undefined) throw new Error(`Cannot seed: there are no products in ${DATA}`);
  const example = { id, name: first.name };
  const content: Seeded = { files: FILES.map((file) => basename(file)), products: ids.size, example };
  await writePrivately(seeded, content);
  return example;
}
