import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateOrderResponse } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import type { Effect } from "@holdfast/payment-provider";
import { migrate } from "@holdfast/storage";
import { createTestDatabase } from "@holdfast/testkit";
import { Client } from "pg";
import type { BooksLocation } from "./books.ts";

/** An effect that the file has not given its place yet. */
type NewEffect = Effect extends infer E ? (E extends Effect ? Omit<E, "seq" | "time"> : never) : never;

/** Changes a database with the rights of a superuser and without triggers and foreign keys: as a defect would. */
type Run = (sql: string, values?: readonly unknown[]) => Promise<void>;

/** Books that are kept as the services keep them, and can be spoiled. */
export interface TestBooks extends AsyncDisposable {
  readonly location: BooksLocation;
  readonly order: Run;
  readonly product: Run;
  readonly payment: Run;
  readonly provider: {
    append(effect: NewEffect): Promise<void>;
    /** Takes the effects out whose id is given, and numbers the others anew. */
    remove(id: string): Promise<void>;
  };
  /** Empties them. What was done to the schema stays. */
  clear(): Promise<void>;
}

/** Three databases with the services' own schemas, and a provider's file. All empty. */
export async function emptyBooks(): Promise<TestBooks> {
  await using resources = new AsyncDisposableStack();
  const order = resources.use(await emptyDatabase("order"));
  const product = resources.use(await emptyDatabase("product"));
  const payment = resources.use(await emptyDatabase("payment"));
  const folder = resources.adopt(await mkdtemp(join(tmpdir(), "books-")), (path) => rm(path, { recursive: true }));
  const file = join(folder, "effects.jsonl");
  await writeFile(file, "");

  const effects = async () =>
    (await readFile(file, "utf8"))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { id: string });
  const text = (effect: object, index: number) =>
    `${JSON.stringify({ ...effect, seq: index + 1, time: "2010-12-01T08:26:00.000Z" })}\n`;
  const all = resources.move();
  return {
    location: {
      orderDatabaseUrl: order.url,
      productDatabaseUrl: product.url,
      paymentDatabaseUrl: payment.url,
      providerFile: file,
    },
    order: order.run,
    product: product.run,
    payment: payment.run,
    provider: {
      append: async (effect) => appendFile(file, text(effect, (await effects()).length)),
      remove: async (id) =>
        writeFile(
          file,
          (await effects())
            .filter((effect) => effect.id !== id)
            .map(text)
            .join(""),
        ),
    },
    async clear() {
      await Promise.all([order.clear(), product.clear(), payment.clear(), writeFile(file, "")]);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function emptyDatabase(service: string) {
  await using resources = new AsyncDisposableStack();
  const { url, adminUrl } = resources.use(await createTestDatabase());
  await migrate(url, new URL(`../../services/${service}/src/migrations/`, import.meta.url));
  const client = resources.adopt(new Client({ connectionString: adminUrl }), (open) => open.end());
  await client.connect();
  await client.query("set session_replication_role = replica; set synchronous_commit = off");
  const run: Run = async (sql, values = []) => void (await client.query(sql, [...values]));
  const { rows } = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not like '%migration%'`,
  );
  const clear = () => run(rows.map(({ name }) => `delete from ${name}`).join("; "));
  const all = resources.move();
  return { url, run, clear, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** The bytes that an idempotency row keeps as the answer. */
export function answerAbout(orderId: string): Buffer {
  return Buffer.from(CreateOrderResponse.encode(CreateOrderResponse.fromPartial({ order: { id: orderId } })).finish());
}
