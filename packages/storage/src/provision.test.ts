import { randomBytes } from "node:crypto";
import { Client, escapeIdentifier } from "pg";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { provision, type ServiceDatabase } from "./provision.ts";

const adminUrl = inject("postgresAdminUrl");

/** Names that no other test uses; dropped when the test has finished. The odd characters have to be quoted. */
function services(count: number): ServiceDatabase[] {
  const made = Array.from({ length: count }, () => ({
    name: `o'hara "${randomBytes(4).toString("hex")}"`,
    password: `p'w"\\${randomBytes(4).toString("hex")}`,
  }));
  onTestFinished(() =>
    as(adminUrl, async (admin) => {
      for (const { name } of made) {
        await admin.query(`drop database if exists ${escapeIdentifier(name)} with (force)`);
        await admin.query(`drop role if exists ${escapeIdentifier(name)}`);
      }
    }),
  );
  return made;
}

async function as<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}

function urlOf(role: ServiceDatabase, database = role.name): string {
  const url = new URL(adminUrl);
  url.username = encodeURIComponent(role.name);
  url.password = encodeURIComponent(role.password);
  url.pathname = encodeURIComponent(database);
  return url.href;
}

const makeTable = (client: Client) => client.query("create table kept (id int)");

describe("provision()", () => {
  test("gives each service a database that its role owns", async () => {
    const [payment, product] = services(2) as [ServiceDatabase, ServiceDatabase];
    await provision(adminUrl, [payment, product]);
    for (const service of [payment, product]) expect(await as(urlOf(service), makeTable)).toBeDefined();
  });

  test("lets no role into another service's database", async () => {
    const [payment, product] = services(2) as [ServiceDatabase, ServiceDatabase];
    await provision(adminUrl, [payment, product]);
    await expect(as(urlOf(payment, product.name), makeTable)).rejects.toMatchObject({ code: "42501" });
  });

  test("gives no role more than that", async () => {
    const [payment] = services(1) as [ServiceDatabase];
    await provision(adminUrl, [payment]);
    await as(urlOf(payment), async (client) => {
      await expect(client.query("create database more")).rejects.toMatchObject({ code: "42501" });
      await expect(client.query("create role more")).rejects.toMatchObject({ code: "42501" });
      await expect(client.query("select pg_read_file('PG_VERSION')")).rejects.toMatchObject({ code: "42501" });
    });
  });

  test("keeps the data and takes the new password when it is repeated", async () => {
    const [payment] = services(1) as [ServiceDatabase];
    await provision(adminUrl, [payment]);
    await as(urlOf(payment), makeTable);
    const changed = { ...payment, password: "another" };
    await provision(adminUrl, [changed]);
    await as(urlOf(changed), (client) => client.query("select from kept"));
    await expect(as(urlOf(payment), makeTable)).rejects.toMatchObject({ code: "28P01" });
  });

  test("leaves no password in the database's log, also when its statement fails", async () => {
    const [payment] = services(1) as [ServiceDatabase];
    const password = randomBytes(8).toString("hex");
    const readOnly = new URL(adminUrl);
    readOnly.searchParams.set("options", "-c default_transaction_read_only=on");
    await expect(provision(readOnly.href, [{ ...payment, password }])).rejects.toMatchObject({ code: "25006" });
    const log = await as(adminUrl, async (admin) => {
      // The server is vitest's, and so is its log, beside its data.
      const read = "select pg_read_file(current_setting('data_directory') || '/../server.log') as log";
      return (await admin.query<{ log: string }>(read)).rows[0]?.log;
    });
    expect(log).toContain(`create role ${escapeIdentifier(payment.name)}`);
    expect(log).not.toContain(password);
  });

  test.each(["", "gehe\u00efm"])("refuses %j as a password", async (password) => {
    const [payment] = services(1) as [ServiceDatabase];
    await expect(provision(adminUrl, [{ ...payment, password }])).rejects.toThrow(RangeError);
  });

  test("is safe when it runs several times at once", async () => {
    const both = services(2);
    await Promise.all([1, 2, 3].map(() => provision(adminUrl, both)));
    for (const service of both) expect(await as(urlOf(service), makeTable)).toBeDefined();
  });
});
