import type { Fault, FaultOptions } from "@holdfast/interceptors/server/fault";

/**
 * The faults that an environment variable asks for, as a JSON list of {@link Fault}; an empty text asks for none, and nothing in the
 * process can switch any on then.
 *
 * @throws {TypeError} If it is no JSON list. What a fault may say is checked where the chain is built.
 */
export function parseFaults(text: string): FaultOptions {
  if (text.trim() === "") return { allowed: false, enabled: () => false, faults: [] };
  let faults: unknown;
  try {
    faults = JSON.parse(text);
  } catch (cause) {
    throw new TypeError("Cannot read the faults: they are no JSON", { cause });
  }
  if (!Array.isArray(faults)) throw new TypeError("Cannot read the faults: they are no list");
  return { allowed: true, enabled: () => true, faults: faults as Fault[] };
}
