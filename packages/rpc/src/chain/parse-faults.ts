import type { Fault, FaultOptions } from "@holdfast/interceptors/server/fault";

const NONE: FaultOptions = { allowed: false, enabled: () => false, faults: [] };

/**
 * The faults that an environment variable asks for, as a JSON list of {@link Fault}; an empty text or list asks for none, and
 * nothing in the process can switch any on then.
 *
 * @throws {TypeError} If it is no such list. Ranges and names of methods are checked where the chain is built.
 */
export function parseFaults(text: string): FaultOptions {
  if (text.trim() === "") return NONE;
  let faults: unknown;
  try {
    faults = JSON.parse(text);
  } catch (cause) {
    throw new TypeError("Cannot read the faults: they are no JSON", { cause });
  }
  if (!Array.isArray(faults)) throw new TypeError("Cannot read the faults: they are no list");
  if (faults.length === 0) return NONE;
  for (const [index, fault] of faults.entries()) {
    const problem = problemOf(fault);
    if (problem !== undefined) throw new TypeError(`Cannot read the faults: [${index}] ${problem}`);
  }
  return { allowed: true, enabled: () => true, faults: faults as Fault[] };
}

/** What is wrong with one of them, as far as its type goes. */
function problemOf(fault: unknown): string | undefined {
  if (!isObject(fault)) return "is no object";
  const { share, methods, delayMs, end, ...others } = fault;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return `has "${unknown}", which means nothing`;
  if (typeof share !== "number") return "must have a share, a number";
  if (delayMs !== undefined && typeof delayMs !== "number") return "has a delayMs that is no number";
  if (methods !== undefined && !isNames(methods)) return "has methods that are no list of paths";
  return end === undefined || end === "drop" ? undefined : problemOfEnd(end);
}

function problemOfEnd(end: unknown): string | undefined {
  if (!isObject(end)) return 'has an end that is neither "drop" nor {"code": …}';
  const { code, text, ...others } = end;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return `has an end with "${unknown}", which means nothing`;
  if (!Number.isInteger(code)) return "has an end whose code is no whole number";
  return text === undefined || typeof text === "string" ? undefined : "has an end whose text is none";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string");
}
