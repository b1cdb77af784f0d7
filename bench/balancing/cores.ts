import { canPin } from "../harness/child.ts";

/** Whether servers and clients have a core each. */
export const PINNED = canPin();

/** Where processes run. Undefined: anywhere. */
export const CORES = PINNED ? { servers: 0, clients: 1 } : { servers: undefined, clients: undefined };
