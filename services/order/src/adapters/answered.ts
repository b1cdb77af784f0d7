import { RemoteError, Status } from "@holdfast/rpc";
import type { Unknown } from "../domain/saga/saga.ts";

/**
 * What a neighbour answered. An error that `settled` does not know says nothing about what happened: a timeout, a lost
 * connection and a defect over there are all the same to the saga, which asks again.
 */
export async function answered<T>(
  call: () => Promise<T>,
  settled: (error: RemoteError) => T | undefined = () => undefined,
): Promise<T | Unknown> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    return settled(error) ?? { kind: "unknown", why: error.reason === "" ? codeName(error.code) : error.reason };
  }
}

function codeName(code: Status): string {
  return Status[code] ?? String(code);
}
