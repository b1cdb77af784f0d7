import { AdminServiceDefinition, ListTargetsResponse } from "@holdfast/contracts/ecommerce/admin/v1/admin_service";
import { connect } from "@holdfast/rpc";

/** The targets of an instance, as ProtoJSON has them. */
export interface TargetJson {
  readonly name?: string;
  readonly resolveTime?: string;
  readonly resolutionNote?: string;
  readonly endpoints?: readonly EndpointJson[];
}

export interface EndpointJson {
  readonly address?: string;
  readonly state?: string;
  readonly stateTime?: string;
  readonly inFlight?: number;
  readonly callCount?: string;
  readonly share?: number;
  readonly ejectionCount?: number;
  readonly error?: string;
}

/** Asks an instance what it calls. @throws {RemoteError} If it does not answer. */
export async function listTargets(target: string): Promise<readonly TargetJson[]> {
  using admin = connect(AdminServiceDefinition, target);
  const response = ListTargetsResponse.toJSON(await admin.listTargets({})) as { targets?: TargetJson[] };
  return response.targets ?? [];
}
