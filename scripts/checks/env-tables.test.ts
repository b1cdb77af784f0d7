import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Config as Edge } from "../../services/edge/src/config.ts";
import { Config as Order } from "../../services/order/src/config.ts";
import { Config as Payment } from "../../services/payment/src/config.ts";
import { Config as PaymentProvider } from "../../services/payment-provider/src/config.ts";
import { Config as Product } from "../../services/product/src/config.ts";

const services = join(import.meta.dirname, "../../services");

interface Schema {
  readonly shape: Readonly<Record<string, { safeParse(value: undefined): { success: boolean; data?: unknown } }>>;
}

/** Of packages/process, and of no schema: every program has it, off as it comes. */
const OF_EVERY_PROGRAM = { EXIT_WITH_PARENT: "" };

/** Names and defaults as the schema has them; "none" where a variable is required. */
function declared({ shape }: Schema): Record<string, string> {
  const own = Object.fromEntries(
    Object.entries(shape).map(([name, schema]) => {
      const { success, data } = schema.safeParse(undefined);
      const value = typeof data === "object" && data !== null ? Object.values(data).join(":") : String(data);
      return [name, success ? value : "none"];
    }),
  );
  return { ...own, ...OF_EVERY_PROGRAM };
}

/** Names and defaults as the README's table tells them. */
function told(service: string): Record<string, string> {
  const readme = readFileSync(join(services, service, "README.md"), "utf8");
  const rows = [...readme.matchAll(/^\| `([A-Z][A-Z0-9_]+)` +\| `?([^|` ]*)[^|]*\|/gm)];
  return Object.fromEntries(rows.map(([, name = "", value = ""]) => [name, value.replace(/:$/, "")]));
}

describe("a service's README tells every environment variable and its default", () => {
  test.each([
    ["edge", Edge],
    ["order", Order],
    ["payment", Payment],
    ["payment-provider", PaymentProvider],
    ["product", Product],
  ] as const)("%s", (service, config) => {
    expect(told(service)).toEqual(declared(config));
  });
});
