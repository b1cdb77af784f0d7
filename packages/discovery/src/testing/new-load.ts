// SPDX-License-Identifier: MIT
import type { Load } from "../policy/least-loaded.ts";

/** An endpoint that is idle and warm, and has had no call yet. */
export function newLoad(address: string, weight: number): Load {
  return { address, inFlight: 0, reserved: 0, weight, warmSince: 0, slowness: 1, turn: 0 };
}
