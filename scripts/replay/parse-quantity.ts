/**
 * A whole number of units, below 0 where goods come back.
 *
 * @returns Undefined for what is none, or has more than 15 digits.
 */
export function parseQuantity(text: string): number | undefined {
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined;
}
