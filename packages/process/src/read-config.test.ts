import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ConfigError } from "./config-error.ts";
import { readConfig } from "./read-config.ts";

const Schema = z.object({
  PAYMENT_TARGET: z.string(),
  CHARGE_TIMEOUT_MS: z.coerce.number().int().positive().default(2_000),
  GRACE_MS: z.coerce.number().int().min(0).max(60_000).default(0),
  MODE: z.enum(["ok", "slow"]).default("ok"),
  STRICT: z.stringbool().default(false),
  DATABASE_URL: z.string().startsWith("postgres://", "must start with postgres://").optional(),
});

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(Schema, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("readConfig()", () => {
  test("gives typed, frozen values, with defaults, and ignores other variables", () => {
    const config = readConfig(Schema, {
      PAYMENT_TARGET: "a:1",
      CHARGE_TIMEOUT_MS: "300",
      STRICT: "true",
      HOME: "/root",
    });
    expect(config).toEqual({ PAYMENT_TARGET: "a:1", CHARGE_TIMEOUT_MS: 300, GRACE_MS: 0, MODE: "ok", STRICT: true });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test("takes an empty variable as not set", () => {
    expect(readConfig(Schema, { PAYMENT_TARGET: "a:1", CHARGE_TIMEOUT_MS: "" }).CHARGE_TIMEOUT_MS).toBe(2_000);
    expect(problemsOf({ PAYMENT_TARGET: "" })).toEqual(["PAYMENT_TARGET: is not set"]);
  });

  test("reports all problems at once, one line each", () => {
    expect(problemsOf({ CHARGE_TIMEOUT_MS: "abc", GRACE_MS: "70000", MODE: "fast", STRICT: "perhaps" })).toEqual([
      "PAYMENT_TARGET: is not set",
      'CHARGE_TIMEOUT_MS: must be a positive whole number of milliseconds, got "abc"',
      'GRACE_MS: must be a whole number of milliseconds from 0 up to 60000, got "70000"',
      'MODE: must be one of "ok", "slow", got "fast"',
      'STRICT: must be true or false, got "perhaps"',
    ]);
  });

  test.each(["-1", "0", "1.5", "Infinity", "1 s", "99999999999999999999"])("refuses %s milliseconds", (value) => {
    expect(problemsOf({ PAYMENT_TARGET: "a:1", CHARGE_TIMEOUT_MS: value })).toHaveLength(1);
  });

  test("reads a secret from the file that NAME_FILE names, without the line break at its end", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "config-"));
    const file = join(folder.path, "url");
    await writeFile(file, "postgres://u:p@db/x\n");
    expect(readConfig(Schema, { PAYMENT_TARGET: "a:1", DATABASE_URL_FILE: file }).DATABASE_URL).toBe(
      "postgres://u:p@db/x",
    );
  });

  test("refuses a file that is missing, empty, wrong, or beside the value itself, without showing a password", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "config-"));
    const file = (name: string) => join(folder.path, name);
    await writeFile(file("empty"), "\n");
    await writeFile(file("wrong"), "mysql://u:geheim@db/x");
    const problems = (DATABASE_URL_FILE: string, more = {}) =>
      problemsOf({ PAYMENT_TARGET: "a:1", DATABASE_URL_FILE, ...more });
    expect(problems(file("none"))).toEqual([expect.stringMatching(/^DATABASE_URL_FILE: cannot be read: ENOENT/)]);
    expect(problems(file("empty"))).toEqual([`DATABASE_URL_FILE: must hold a value, and "${file("empty")}" is empty`]);
    expect(problems(file("wrong"))).toEqual(['DATABASE_URL: must start with postgres://, got "mysql://u:***@db/x"']);
    expect(problems(file("wrong"), { DATABASE_URL: "postgres://u:geheim@db/x" })).toEqual([
      "DATABASE_URL: is given twice, as DATABASE_URL and in the file of DATABASE_URL_FILE",
    ]);
  });

  test("does not show a password in a problem", () => {
    expect(problemsOf({ PAYMENT_TARGET: "a:1", DATABASE_URL: "mysql://u:geheim@db/x" })).toEqual([
      'DATABASE_URL: must start with postgres://, got "mysql://u:***@db/x"',
    ]);
  });
});
