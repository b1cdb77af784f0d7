import { setTimeout as sleep } from "node:timers/promises";
import { HealthCheckResponse_ServingStatus, HealthDefinition } from "@holdfast/contracts/grpc/health/v1/health";
import { connect, RemoteError } from "@holdfast/rpc";

const RETRY_MS = 50;
/** A watcher that lost its stream asks anew before it says that the server is gone: streams end of old age, too. */
const LOST_AFTER_FAILURES = 2;

/** Tells whether a server's health is SERVING, as any client would see it, and each change of that, until the signal aborts. */
export async function watchServing(
  target: string,
  onChange: (serving: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  using health = connect(HealthDefinition, target);
  let last = false;
  let failures = 0;
  const say = (serving: boolean) => {
    if (serving !== last) onChange(serving);
    last = serving;
  };
  while (!signal.aborted) {
    try {
      for await (const { status } of health.watch({ service: "" }, { signal })) {
        failures = 0;
        say(status === HealthCheckResponse_ServingStatus.SERVING);
      }
    } catch (error) {
      if (!(error instanceof RemoteError) && !signal.aborted) throw error;
      failures += 1;
      if (failures >= LOST_AFTER_FAILURES) say(false);
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined); // the loop sees it
  }
  say(false);
}
