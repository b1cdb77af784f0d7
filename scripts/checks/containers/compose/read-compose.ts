import { parseDocument } from "yaml";
import type { z } from "zod";
import type { Finding } from "../rules.ts";
import { File, type Service as ServiceSchema } from "./schema.ts";

/** One service as compose sees it: anchors and merge keys resolved. */
export type Service = z.output<typeof ServiceSchema>;

export type Compose = z.output<typeof File> & {
  /** The parts that compose itself doesn't read: `x-…`. */
  readonly extensions: Readonly<Record<string, unknown>>;
};

/**
 * The file, or what keeps it from being checked: no YAML, a tag such as `!reset`, an option that no rule knows, or one in a form that
 * compose doesn't take. @throws If it is empty, or an alias has no anchor.
 */
export function readCompose(text: string): Compose | readonly Finding[] {
  const document = parseDocument(text, { merge: true });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    // The lines after the first one draw the place.
    return faults.map(({ message }) => ({
      rule: "yaml",
      where: "compose",
      message: message.split(":\n")[0] ?? message,
    }));
  }
  const parts = Object.entries(document.toJS() as Readonly<Record<string, unknown>>);
  const read = File.safeParse(Object.fromEntries(parts.filter(([name]) => !name.startsWith("x-"))));
  if (!read.success) return read.error.issues.flatMap(findingsOf);
  return { ...read.data, extensions: Object.fromEntries(parts.filter(([name]) => name.startsWith("x-"))) };
}

/** What ends by itself, be it at each start or when somebody runs it, says so: `restart: "no"`. */
export function staysUp({ restart }: Service): boolean {
  return restart !== "no";
}

function findingsOf(issue: z.core.$ZodIssue): readonly Finding[] {
  const [part = "", name = "", ...option] = issue.path.map(String);
  const where = part === "" ? "compose" : [part, name].join(".");
  const at = (more: readonly string[]) => [...option, ...more].join(".");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ rule: "unknown-option", where, message: `no rule knows \`${at([key])}\`` }));
  }
  return [{ rule: "form", where, message: `\`${at([])}\` has a form that no rule knows: ${issue.message}` }];
}
