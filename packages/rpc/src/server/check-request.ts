import { rpcContext } from "@holdfast/interceptors/context";
import type { Fault } from "@holdfast/interceptors/server/validation";
import { toStatus } from "../errors/to-status.ts";
import { RefusedRequest } from "./checked-definition.ts";

/** What is wrong with a message: the decoder has found it already, see checkedDefinition. */
export function checkRequest(path: string, message: unknown): Fault {
  if (!(message instanceof RefusedRequest)) return undefined;
  return toStatus(message.error, { path, correlationId: rpcContext.get()?.requestId ?? "" });
}
