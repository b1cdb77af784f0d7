// SPDX-License-Identifier: MIT
/**
 * Copy:    resolver/endpoint-source.ts
 * Place:   between whoever knows the endpoints of a service and resolver/poll.ts, which asks for them.
 * Does:    says what an endpoint is, and what asking for all of a service can come to.
 * Doesn't: do anything: resolver/service-lookup.ts is one such source, a file or an EndpointSlice watch may be another.
 * With:    -
 * Source:  -
 */

/** One instance of a service. */
export interface ServiceEndpoint {
  /** All of them lead to this instance: IPv4 before IPv6. Never empty. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** Its share, where 1 is the mean of the service. More than 0. */
  readonly weight: number;
}

/** What came of one look. `note`: which names were asked for, what each answered, and which servers were asked. */
export type Resolution =
  /** `endpoints`: never empty. `ttlMs`: Infinity where it is not known. */
  | {
      readonly kind: "endpoints";
      readonly endpoints: readonly ServiceEndpoint[];
      readonly ttlMs: number;
      readonly note: string;
    }
  /** There is no such service, or nobody could say. */
  | { readonly kind: "none" | "failure"; readonly note: string };

/** Where endpoints come from. */
export interface EndpointSource {
  /**
   * Ends at once when the signal is aborted: with a list, when what is known by then is one to use. An instance is left out of
   * it only when it is known to be gone, or was never known.
   */
  resolve(signal: AbortSignal): Promise<Resolution>;
}
