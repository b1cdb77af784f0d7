import { z } from "zod";
import { ConfigError } from "./config-error.ts";
import { maskNamed, maskText } from "./mask-secrets.ts";
import { valuesInFiles } from "./values-in-files.ts";

/**
 * The configuration that `schema` describes, read from the environment, frozen. Unknown variables are ignored; an empty
 * one counts as not set, because that is what `NAME=` in a compose or env file means. Each may come from a file that
 * `NAME_FILE` names, as secrets do. Flags are `z.stringbool()`: `z.coerce.boolean()` would read "false" as true.
 *
 * @throws {ConfigError} With all problems at once.
 */
export function readConfig<Schema extends z.ZodObject>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<z.output<Schema>> {
  const names = Object.keys(schema.shape);
  const { env: given, problems } = valuesInFiles(names, env);
  const result = schema.safeParse(given);
  if (result.success && problems.size === 0) return Object.freeze(result.data);

  // One line per variable: a second complaint about the same value adds nothing.
  for (const issue of result.error?.issues ?? []) {
    const name = issue.path.length === 0 ? "configuration" : String(issue.path[0]);
    if (!problems.has(name)) problems.set(name, `${name}: ${describe(schema, name, given[name], issue)}`);
  }
  throw new ConfigError([...problems.values()]);
}

function describe(schema: z.ZodObject, name: string, value: string | undefined, issue: z.core.$ZodIssue): string {
  const field = schema.shape[name];
  if (field === undefined) return issue.message;
  const wanted = (issue.code === "custom" ? undefined : expectation(name, field)) ?? issue.message;
  if (value === undefined) return expectation(name, field) ? `is not set; it ${wanted}` : "is not set";
  return `${wanted}, got ${JSON.stringify(maskNamed(name, value) ?? maskText(value))}`;
}

/** What a number, flag or choice must be, in words; `undefined` for other kinds, whose own message says it better. */
function expectation(name: string, field: z.core.$ZodType): string | undefined {
  const json = z.toJSONSchema(field, { unrepresentable: "any", io: "output" });
  if (json.enum !== undefined) return `must be one of ${json.enum.map((choice) => JSON.stringify(choice)).join(", ")}`;
  if (json.type === "boolean") return "must be true or false";
  if (json.type !== "number" && json.type !== "integer") return undefined;
  const positive = json.exclusiveMinimum === 0 || json.minimum === 1;
  const kind = `${positive ? "positive " : ""}${json.type === "integer" ? "whole number" : "number"}`;
  const unit = name.endsWith("_MS") ? " of milliseconds" : "";
  const least = !positive && bounded(json.minimum) ? ` from ${json.minimum}` : "";
  const most = bounded(json.maximum) ? ` up to ${json.maximum}` : "";
  return `must be a ${kind}${unit}${least}${most}`;
}

/** Whether somebody chose this bound: whole numbers have the safe range as bounds that nobody chose. */
function bounded(bound: number | undefined): boolean {
  return bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
}
