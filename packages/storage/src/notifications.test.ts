import { getEventListeners } from "node:events";
import { createTestDatabase, type TestDatabase } from "@holdfast/testkit";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listen, type Notifications } from "./notifications.ts";

/** Longer than any test: what ends a wait is never the slow poll. */
const NEVER_MS = 60_000;

let database: TestDatabase;
let sender: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  sender = new Client({ connectionString: database.adminUrl });
  await sender.connect();
});
afterAll(async () => {
  await sender.end();
  await database[Symbol.asyncDispose]();
});

const notify = (channel: string, payload: string) => sender.query("select pg_notify($1, $2)", [channel, payload]);
const { signal } = new AbortController();

/** Listens to "orders", and waits until it does. */
async function listening(onConnectionLost = () => {}): Promise<Notifications> {
  const notifications = listen(database.url, ["orders"], { onConnectionLost });
  await notifications.wait("orders", { signal, maxWaitMs: NEVER_MS });
  return notifications;
}

describe("subscribe()", () => {
  test("collects what arrives between reading and waiting", async () => {
    await using notifications = await listening();
    using subscription = notifications.subscribe("orders");
    using witness = notifications.subscribe("orders", "o2");
    await notify("orders", "o1");
    await notify("orders", "o2");
    await witness.next(signal, NEVER_MS);
    expect(await subscription.next(signal, NEVER_MS)).toEqual(new Set(["o1", "o2"]));
    expect(await subscription.next(signal, 1)).toEqual(new Set());
  });

  test("wakes for its own key and for *, not for another key", async () => {
    await using notifications = await listening();
    using subscription = notifications.subscribe("orders", "o1");
    await notify("orders", "o2");
    await notify("orders", "o1");
    expect(await subscription.next(signal, NEVER_MS)).toEqual(new Set(["o1"]));
    await notify("orders", "*");
    expect(await subscription.next(signal, NEVER_MS)).toEqual(new Set(["*"]));
  });

  test("collapses more than 1,000 keys to *", async () => {
    await using notifications = await listening();
    using subscription = notifications.subscribe("orders");
    using last = notifications.subscribe("orders", "1000");
    await sender.query("select pg_notify('orders', n::text) from generate_series(0, 1000) n");
    await last.next(signal, NEVER_MS);
    expect(await subscription.next(signal, NEVER_MS)).toEqual(new Set(["*"]));
  });

  test("wakes everybody after the connection was lost and made again", async () => {
    const lost = Promise.withResolvers<void>();
    await using notifications = await listening(lost.resolve);
    using subscription = notifications.subscribe("orders", "o1");
    const next = subscription.next(signal, NEVER_MS);
    await sender.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'listen' and datname = $1",
      [database.name],
    );
    await lost.promise;
    expect(await next).toEqual(new Set(["*"]));
    await notify("orders", "o1");
    expect(await subscription.next(signal, NEVER_MS)).toEqual(new Set(["o1"]));
  });

  test("refuses a channel that is not listened to", async () => {
    await using notifications = await listening();
    expect(() => notifications.subscribe("refunds")).toThrow("not listened to");
  });
});

describe("wait()", () => {
  test("ends after maxWaitMs without news", async () => {
    await using notifications = await listening();
    await expect(notifications.wait("orders", { signal, maxWaitMs: 1 })).resolves.toBeUndefined();
  });

  test("ends with the signal's reason", async () => {
    await using notifications = await listening();
    const controller = new AbortController();
    const wait = notifications.wait("orders", { signal: controller.signal, maxWaitMs: NEVER_MS });
    controller.abort(new Error("caller left"));
    await expect(wait).rejects.toThrow("caller left");
    await expect(notifications.wait("orders", { signal: controller.signal, maxWaitMs: 1 })).rejects.toThrow(
      "caller left",
    );
  });

  test("leaves no listener and no timer behind after 10,000 waits", async () => {
    await using notifications = await listening();
    const controller = new AbortController();
    const timersBefore = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const waits = Array.from({ length: 10_000 }, (_, n) =>
      notifications.wait("orders", { key: `o${n}`, signal: controller.signal, maxWaitMs: NEVER_MS }),
    );
    await notify("orders", "*");
    await Promise.all(waits);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    expect(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length).toBeLessThanOrEqual(
      timersBefore,
    );
  });
});

test("listen() starts without a database, and wakes when it is there", async () => {
  await using later = await createTestDatabase();
  await sender.query(`alter database ${later.name} allow_connections false`);
  const refused = Promise.withResolvers<void>();
  await using notifications = listen(later.url, ["orders"], { onConnectionLost: () => refused.resolve() });
  using subscription = notifications.subscribe("orders");
  await refused.promise;
  await sender.query(`alter database ${later.name} allow_connections true`);
  expect(await subscription.next(signal, NEVER_MS)).toEqual(new Set(["*"]));
});
