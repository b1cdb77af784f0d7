import { createHash } from "node:crypto";

/** Equal for equal values in the same order. Which fields make up a request's body, its RPC says. */
export function requestHash(fields: readonly (string | bigint | undefined)[]): string {
  const canonical = JSON.stringify(fields.map((field) => (field === undefined ? null : String(field))));
  return createHash("sha256").update(canonical).digest("hex");
}
