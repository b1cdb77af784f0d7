import { InputError } from "../audit/input-error.ts";
import type { Day } from "./read-day.ts";

/**
 * An invoice names the key of its order: of two equal ones there would be one order, and its money would count twice.
 *
 * @throws {InputError} If two files have one invoice, or a file was named twice.
 */
export function assertInvoicesOnce(
  days: readonly { readonly path: string; readonly orders: readonly Pick<Day["orders"][number], "name">[] }[],
): void {
  const pathOf = new Map<string, string>();
  for (const { path, orders } of days) {
    for (const { name } of orders) {
      const other = pathOf.get(name);
      if (other !== undefined) {
        throw new InputError(`Cannot replay: invoice ${name} is in "${other}" and in "${path}" again`);
      }
      pathOf.set(name, path);
    }
  }
}
