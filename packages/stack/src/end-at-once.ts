import type { StackProcesses } from "./stop-in-order.ts";

/** Ends all by force, also while they are being stopped in order. The database recovers at the next start. */
export function endAtOnce({ postgres, provider, instances }: StackProcesses): void {
  instances.end();
  provider.end();
  postgres.end();
}
