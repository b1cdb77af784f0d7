import {
  type AdminServiceImplementation,
  type Endpoint,
  Endpoint_State as State,
  type Target,
} from "@holdfast/contracts/ecommerce/admin/v1/admin_service";
import type { EndpointState } from "@holdfast/discovery/policy/endpoint-state";
import type { EndpointReport, TargetReport } from "@holdfast/discovery/policy/report";
import type { HandlerContext } from "./handler-middleware.ts";

/** What this instance calls, as it sees it just now. */
export type ListTargets = () => readonly TargetReport[];

const STATES: Record<EndpointState, State> = {
  connecting: State.STATE_CONNECTING,
  failing: State.STATE_FAILING,
  ready: State.STATE_READY,
  "slow-starting": State.STATE_SLOW_STARTING,
  ejected: State.STATE_EJECTED,
  silent: State.STATE_SILENT,
  draining: State.STATE_DRAINING,
  "not-serving": State.STATE_NOT_SERVING,
};

/**
 * `ecommerce.admin.v1.AdminService` over the reports of the balancing policy, whose clock is not the time of day: it stands
 * still while the machine sleeps.
 */
export function adminHandlers(list: ListTargets, now = Date.now): AdminServiceImplementation<HandlerContext> {
  return {
    async listTargets({ nameContains }) {
      return {
        targets: list()
          .filter(({ target }) => target.includes(nameContains))
          .map((report) => toTarget(report, now())),
      };
    },
  };
}

function toTarget({ target, endpoints, resolution }: TargetReport, now: number): Target {
  return {
    name: target,
    endpoints: endpoints.map((each) => toEndpoint(each, now)),
    resolveTime: resolution && new Date(now - resolution.ageMs),
    resolutionNote: resolution?.note ?? "",
  };
}

function toEndpoint(
  { address, state, stateAgeMs, inFlight, calls, share, ejections, error }: EndpointReport,
  now: number,
): Endpoint {
  return {
    address,
    state: STATES[state],
    stateTime: new Date(now - stateAgeMs),
    inFlight,
    callCount: BigInt(calls),
    share,
    ejectionCount: ejections,
    error: error ?? "",
  };
}
