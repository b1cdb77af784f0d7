import { ChainError } from "./chain-error.ts";

/**
 * Checks that parts stand in the order in which they work, each at most once: a list that reads differently from what happens
 * would mislead whoever reads it.
 *
 * @param places All names, in the order in which they work. Those on one place exclude each other's order only.
 * @throws {ChainError}
 */
export function checkOrder(parts: readonly { readonly name: string }[], places: readonly string[]): void {
  let last = -1;
  for (const { name } of parts) {
    const place = places.indexOf(name);
    if (place < 0) throw new ChainError(`there is no "${name}"`);
    if (place === last) throw new ChainError(`"${name}" stands there twice`);
    if (place < last) throw new ChainError(`"${name}" belongs before "${places[last]}"`);
    last = place;
  }
}

/** @throws {ChainError} If one of them is missing. */
export function checkRequired(parts: readonly { readonly name: string }[], required: readonly string[]): void {
  const missing = required.find((name) => parts.every((part) => part.name !== name));
  if (missing !== undefined) throw new ChainError(`"${missing}" is missing`);
}
