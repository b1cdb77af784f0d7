import type { Interceptor } from "@grpc/grpc-js";
import { ChainError } from "./chain-error.ts";
import { checkOrder, checkRequired } from "./check-order.ts";
import { CLIENT_ORDER, type ClientDeps, type ClientPart } from "./client-part.ts";

/**
 * Builds the interceptors of a client. Whatever would not take effect is an error here, before the first call: parts out of order,
 * a part without a method that it could act on, a name that the contract does not have.
 *
 * @throws {ChainError}
 */
export function buildClientChain(parts: readonly ClientPart[], deps: Omit<ClientDeps, "parts">): Interceptor[] {
  checkOrder(parts, CLIENT_ORDER);
  // Without a deadline a call may wait for ever.
  checkRequired(parts, ["deadline"]);
  const names = new Set(parts.map(({ name }) => name));
  if (names.has("attemptTimeout") && !names.has("retry") && !names.has("hedging")) {
    throw new ChainError('"attemptTimeout" has no effect without "retry" or "hedging"');
  }
  return parts.map((part) => part.build({ ...deps, parts: names }));
}
