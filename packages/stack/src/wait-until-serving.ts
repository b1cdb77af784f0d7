import { setTimeout as sleep } from "node:timers/promises";
import { HealthCheckResponse_ServingStatus, HealthDefinition } from "@holdfast/contracts/grpc/health/v1/health";
import { connect, RemoteError } from "@holdfast/rpc";

const POLL_MS = 50;
const CALL_TIMEOUT_MS = 1_000;

/** Waits until the server's health is SERVING, as any client would see it. @throws The signal's reason. */
export async function waitUntilServing(target: string, signal: AbortSignal): Promise<void> {
  using health = connect(HealthDefinition, target, { timeoutMs: CALL_TIMEOUT_MS });
  while (!(await isServing(() => health.check({ service: "" }, { signal }))))
    await sleep(POLL_MS, undefined, { signal });
}

async function isServing(check: () => Promise<{ status: HealthCheckResponse_ServingStatus }>): Promise<boolean> {
  try {
    return (await check()).status === HealthCheckResponse_ServingStatus.SERVING;
  } catch (error) {
    if (error instanceof RemoteError) return false;
    throw error;
  }
}
