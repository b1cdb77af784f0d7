import { RemoteError, Status } from "@holdfast/rpc";

const PASSING: ReadonlySet<Status> = new Set([Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.ABORTED]);
/**
 * What a lost connection may look like. Our services name a reason with each of these, a connection cannot.
 * RESOURCE_EXHAUSTED is ENHANCE_YOUR_CALM: what Node's server, frozen for long, says to streams that it never handled.
 */
const LOST: ReadonlySet<Status> = new Set([
  Status.INTERNAL,
  Status.CANCELLED,
  Status.UNKNOWN,
  Status.RESOURCE_EXHAUSTED,
]);

/** Whether the same call may succeed later: a service is away, slow, or still busy with the key. */
export function isPassing(error: unknown): error is RemoteError {
  if (!(error instanceof RemoteError)) return false;
  return PASSING.has(error.code) || (LOST.has(error.code) && error.reason === "");
}
