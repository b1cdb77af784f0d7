import type { Product } from "@holdfast/contracts/ecommerce/product/v1/product";
import { Status } from "@holdfast/rpc";
import { readStackFile } from "@holdfast/stack";
import pg from "pg";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { anOrder, aProduct, clients, settled } from "./support/clients.ts";

const { folder, databaseUrls } = inject("stack");

/** What a service has running in its database: statements, or everything that is not idle, open transactions included. */
async function underWay(
  client: pg.Client,
  { what = "not idle" }: { what?: "active" | "not idle" } = {},
): Promise<string[]> {
  const { rows } = await client.query<{ query: string }>(
    `select query from pg_stat_activity
     where usename = current_user and pid <> pg_backend_pid() and query not ilike 'listen %'
       and case $1 when 'active' then state = 'active' else state <> 'idle' end`,
    [what],
  );
  return rows.map(({ query }) => query);
}

/** The running statements that wait for the lock of a test. */
async function blockedOn(client: pg.Client): Promise<string[]> {
  const running = await underWay(client, { what: "active" });
  return running.filter((query) => query.includes('"product"'));
}

async function database(name: "product" | "order"): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrls[name] });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** An order from beginning to end: every connection is there, and no other order is under way. */
async function warmUp(all: ReturnType<typeof clients>, product: Product): Promise<void> {
  const { order } = await all.orders.createOrder(anOrder(product));
  await settled(all, order?.id ?? "");
}

async function freeze(name: "product" | "order"): Promise<() => void> {
  const { pids } = await readStackFile(folder);
  const pid = pids[name];
  if (pid === undefined) throw new Error(`${name} is not running`);
  process.kill(pid, "SIGSTOP");
  const thaw = () => process.kill(pid, "SIGCONT");
  onTestFinished(() => void thaw());
  return thaw;
}

describe("a CreateOrder with a 200 ms deadline while product is frozen", () => {
  test("is answered within 300 ms, writes nothing and leaves no SQL running", async () => {
    const all = clients();
    const product = await aProduct(all);
    const request = anOrder(product);
    await warmUp(all, product);
    const [orderDb, productDb] = [await database("order"), await database("product")];
    const thaw = await freeze("product");

    const started = performance.now();
    const call = all.orders.createOrder(request, { deadline: Date.now() + 200 });
    await expect(call).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(performance.now() - started).toBeLessThan(300);

    expect(await underWay(productDb)).toEqual([]);
    await expect.poll(() => underWay(orderDb), { timeout: 1_000 }).toEqual([]);
    thaw();
    const { orders } = await all.orders.listOrders({ customerId: request.customerId });
    expect(orders).toEqual([]);
  });

  test("which was in the middle of a statement: the database ends it by itself", async () => {
    const all = clients();
    const product = await aProduct(all);
    await warmUp(all, product);
    const blocker = await database("product");
    const productDb = await database("product");
    await blocker.query("begin");
    await blocker.query("lock table product in access exclusive mode");

    const call = all.orders.createOrder(anOrder(product), { deadline: Date.now() + 1_500 });
    call.catch(() => "asserted below");
    const blocked = () => blockedOn(productDb);
    await expect.poll(blocked, { interval: 10 }).not.toEqual([]);
    await freeze("product");

    await expect(call).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    await expect.poll(blocked, { timeout: 300, interval: 10 }).toEqual([]);
    await blocker.query("rollback");
    // The frozen process cannot roll back; the database ends its session.
    await expect.poll(() => underWay(productDb), { timeout: 3_000 }).toEqual([]);
  });
});

describe("a caller that goes away", () => {
  test("ends the statement that ran for it, two hops down, within 100 ms", async () => {
    const all = clients();
    const product = await aProduct(all);
    await warmUp(all, product);
    const blocker = await database("product");
    const productDb = await database("product");
    await blocker.query("begin");
    await blocker.query("lock table product in access exclusive mode");
    const caller = new AbortController();
    const call = all.orders.createOrder(anOrder(product), { signal: caller.signal });
    call.catch(() => "asserted below");
    const blocked = () => blockedOn(productDb);
    await expect.poll(blocked, { interval: 10 }).not.toEqual([]);

    caller.abort();
    await expect(call).rejects.toMatchObject({ code: Status.CANCELLED });
    await expect.poll(blocked, { timeout: 100, interval: 5 }).toEqual([]);
    await blocker.query("rollback");
  });
});
