import type { ServiceInstances } from "./service-instances.ts";
import type { Supervised } from "./supervise.ts";

/** From the outside, Ctrl-C takes 5 s at most. Unit: milliseconds. */
const ALL_WITHIN_MS = 4_800;
export const SERVICES_WITHIN_MS = 3_300;
const PROVIDER_WITHIN_MS = 700;
const POSTGRES_AT_LEAST_MS = 300;

export interface StackProcesses {
  readonly postgres: Supervised;
  readonly provider: Supervised;
  readonly instances: ServiceInstances;
}

/** Stops who uses before what is used: the services together, then the provider, then the database. */
export async function stopInOrder({ postgres, provider, instances }: StackProcesses): Promise<void> {
  const end = performance.now() + ALL_WITHIN_MS;
  await instances.stop(SERVICES_WITHIN_MS);
  await provider.stop(PROVIDER_WITHIN_MS);
  await postgres.stop(Math.max(end - performance.now(), POSTGRES_AT_LEAST_MS));
}
