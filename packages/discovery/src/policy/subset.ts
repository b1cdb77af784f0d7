// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/subset.ts
 * Place:   between the list of endpoints and the connections.
 * Does:    chooses which endpoints a client uses: always the same for one client, spread over all clients, and nearly the
 *          same after the list has changed.
 * Doesn't: look at what the endpoints do: one that is down stays chosen until it leaves the list.
 * With:    -
 * Source:  rendezvous hashing (Thaler and Ravishankar, 1998); SHA-256 for the draw.
 */
import { createHash } from "node:crypto";

/**
 * The `size` keys with the highest draw for this client, in the order of `keys`; 0 means all. When a key comes or goes,
 * at most one of the chosen changes.
 */
export function subset(keys: readonly string[], size: number, clientId: string): readonly string[] {
  if (size === 0 || keys.length <= size) return keys;
  const drawn = keys.map((key) => ({ key, draw: drawOf(clientId, key) }));
  drawn.sort((a, b) => (a.draw < b.draw ? 1 : -1));
  const chosen = new Set(drawn.slice(0, size).map(({ key }) => key));
  return keys.filter((key) => chosen.has(key));
}

function drawOf(clientId: string, key: string): string {
  // The length keeps ("a", "bc") and ("ab", "c") apart.
  return createHash("sha256").update(`${clientId.length}:${clientId}${key}`).digest("hex");
}
