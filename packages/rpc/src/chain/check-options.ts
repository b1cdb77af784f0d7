import { ChainError } from "./chain-error.ts";

/** Every option of a kind, so that none is forgotten: the values mean nothing. */
export type Known<Options> = { readonly [Name in keyof Required<Options>]: true };

/** Of a part that can be told nothing. */
export type NoOptions = { readonly [name: string]: never };

/**
 * Refuses options that do not exist. The compiler does too, but not for JavaScript, nor for an object that was made elsewhere.
 *
 * @throws {ChainError}
 */
export function checkOptions<Options extends object>(of: string, options: Options, known: Known<Options>): void {
  if (typeof options !== "object" || options === null) {
    throw new ChainError(`the options of "${of}" must be an object, are ${String(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) throw new ChainError(`"${of}" has no option "${unknown}"`);
}

/** @throws {ChainError} Unless the number is a whole one of that range. */
export function checkWhole(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new ChainError(`${name} must be a whole number, ${min} to ${max}, is ${String(value)}`);
}
