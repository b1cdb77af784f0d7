/** Parts of a pound that prices are added up in: the files have prices such as 0.001. */
export const MICROS_PER_PENNY = 10_000n;
const DECIMALS = 6;

/**
 * A decimal number of pounds as whole millionths of a pound, never rounded.
 *
 * @returns Undefined for what is no plain decimal number, or has more than six decimals.
 */
export function parsePrice(text: string): bigint | undefined {
  const match = /^(-?)(\d{1,12})(?:\.(\d*))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign = "", whole = "", decimals = ""] = match;
  const fraction = decimals.replace(/0+$/, "");
  if (fraction.length > DECIMALS) return undefined;
  const micros = BigInt(whole + fraction.padEnd(DECIMALS, "0"));
  return sign === "-" ? -micros : micros;
}

/** Whole pence as pounds, such as "2.05" or "-13541.33". */
export function formatPence(pence: bigint): string {
  const sign = pence < 0n ? "-" : "";
  const digits = (pence < 0n ? -pence : pence).toString().padStart(3, "0");
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
