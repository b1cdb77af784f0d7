// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/endpoint-state.ts
 * Place:   beside policy/members.ts.
 * Does:    puts what is known of an endpoint into one word, for reports and events.
 * Doesn't: decide anything: policy/eligible.ts does.
 * With:    policy/eligible.ts
 * Source:  -
 */
import type { Standing } from "./eligible.ts";

export type EndpointState =
  /** Or connected, and its health not known yet. */
  "connecting" | "failing" | "ready" | "slow-starting" | "ejected" | "silent" | "draining" | "not-serving";

/** The first that holds, in the order of how much is known for certain. */
export function endpointState(endpoint: Standing & { readonly failed: boolean }, isWarm: boolean): EndpointState {
  if (!endpoint.ready) return endpoint.failed ? "failing" : "connecting";
  if (endpoint.draining) return "draining";
  if (endpoint.serving === undefined) return "connecting";
  if (!endpoint.serving) return "not-serving";
  if (endpoint.silent) return "silent";
  if (endpoint.ejected) return "ejected";
  return isWarm ? "ready" : "slow-starting";
}
