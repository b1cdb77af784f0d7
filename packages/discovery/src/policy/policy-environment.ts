// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/policy-environment.ts
 * Place:   beside policy/holdfast-policy.ts: what a channel hands over to it that is no JSON.
 * Does:    names the channel options, the resolver's attribute and the pick's information that the policy reads.
 * Doesn't: check them: the first mistake in them would show with the first call.
 * With:    clock.ts, policy/endpoint-state.ts, policy/report.ts
 * Source:  -
 */
import type { ChannelOptions } from "@grpc/grpc-js";
import type { Clock } from "../clock.ts";
import type { EndpointState } from "./endpoint-state.ts";
import type { PolicyReports } from "./report.ts";

/** The channel option with a {@link PolicyEnvironment}. The prefix keeps it out of what makes two connections different. */
export const ENVIRONMENT_OPTION = "grpc.internal.no_subchannel.holdfast_policy";
/** The resolver's attribute with a ReadonlyMap from `ip:port` of an endpoint's first address to its weight. */
export const WEIGHTS_KEY = "grpc.internal.no_subchannel.holdfast_weights";
/** What a pick may bring in `extraPickInfo`: addresses, with commas between, that the call has tried. */
export const AVOID = "holdfast-avoid";

export type PolicyEvent =
  /** Each by its addresses, with commas between. */
  | { kind: "list"; added: readonly string[]; removed: readonly string[] }
  /** The resolver had nothing better: the list is as it was. */
  | { kind: "list-kept"; reason: string }
  | { kind: "state"; address: string; from: EndpointState; to: EndpointState };

export interface PolicyEnvironment {
  /** The name of the target in reports. @default "" */
  target?: string;
  /** Who chooses a subset: stable over restarts, such as the name of the pod. @default one per process */
  clientId?: string;
  /** @default the time of this machine */
  clock?: Clock;
  /** In [0, 1). @default Math.random */
  random?: () => number;
  reports?: PolicyReports;
  observe?: (event: PolicyEvent) => void;
}

export function environmentIn(options: ChannelOptions): PolicyEnvironment {
  const environment: unknown = options[ENVIRONMENT_OPTION];
  return environment instanceof Object ? environment : {};
}
