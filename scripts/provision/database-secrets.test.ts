import { mkdtempDisposable, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { databaseSecrets } from "./database-secrets.ts";

test("makes a password for each service, in a file that only its owner may read", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "secrets-"));
  const [payment, order] = await databaseSecrets(folder.path, ["payment", "order"], "database:5432");
  expect(payment?.name).toBe("payment");
  expect(payment?.password).toMatch(/^[\w-]{32}$/);
  expect(order?.password).not.toBe(payment?.password);
  const file = join(folder.path, "payment/database-url");
  expect(await readFile(file, "utf8")).toBe(`postgresql://payment:${payment?.password}@database:5432/payment`);
  expect((await stat(file)).mode & 0o777).toBe(0o400);
});

test("keeps the passwords, also when the database moves or a start was cut short", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "secrets-"));
  const [first] = await databaseSecrets(folder.path, ["payment"], "database:5432");
  const [second] = await databaseSecrets(folder.path, ["payment"], "elsewhere:5432");
  expect(second).toEqual(first);
  expect(await readFile(join(folder.path, "payment/database-url"), "utf8")).toContain("@elsewhere:5432/");
});
