import { mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
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

test("replaces what a start that was cut short has left", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "secrets-"));
  await mkdir(join(folder.path, "payment"));
  await writeFile(join(folder.path, "payment/database-url.new"), "postgresql://pay", { mode: 0o400 });
  const [made] = await databaseSecrets(folder.path, ["payment"], "database:5432");
  expect(await readdir(join(folder.path, "payment"))).toEqual(["database-url"]);
  expect(made?.password).toMatch(/^[\w-]{32}$/);
});

test("keeps the passwords, also when the database moves", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "secrets-"));
  const [first] = await databaseSecrets(folder.path, ["payment"], "database:5432");
  const [second] = await databaseSecrets(folder.path, ["payment"], "elsewhere:5432");
  expect(second).toEqual(first);
  expect(await readFile(join(folder.path, "payment/database-url"), "utf8")).toContain("@elsewhere:5432/");
});
