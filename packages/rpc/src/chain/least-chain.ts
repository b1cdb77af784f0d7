import * as server from "./server.ts";
import type { ServerPart } from "./server-part.ts";

/** What no server of ours goes without. */
export function leastChain({ deadline }: { deadline?: Parameters<typeof server.deadline>[0] } = {}): ServerPart[] {
  return [
    server.guard(),
    server.context(),
    server.drain(),
    server.deadline(deadline),
    server.validation(),
    server.errors(),
  ];
}
