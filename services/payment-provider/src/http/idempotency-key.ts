import { Identifier } from "../domain/effect.ts";
import { HttpError } from "./http-error.ts";

/** The key of a request. @throws {HttpError} 400 if it is missing or not 1 to 255 printable characters without spaces. */
export function idempotencyKey(value: string | string[] | null | undefined): string {
  const result = Identifier.safeParse(value);
  if (result.success) return result.data;
  throw new HttpError(400, "invalid_request", `idempotency key: ${result.error.issues[0]?.message ?? "wrong"}`);
}
