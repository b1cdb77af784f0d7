// SPDX-License-Identifier: MIT
import type { StatusObject } from "@grpc/grpc-js";
import { expect } from "vitest";
import {
  type ConcurrencyLimitEvent,
  type ConcurrencyLimitOptions,
  concurrencyLimit,
} from "../client/concurrency-limit.ts";
import { type CallShape, FakeCall } from "./client-call.ts";
import { ManualClock } from "./manual-clock.ts";

/** Calls through one limit. */
export function setUp(options: ConcurrencyLimitOptions) {
  const clock = new ManualClock();
  const events: ConcurrencyLimitEvent[] = [];
  const interceptor = concurrencyLimit({ observe: (event) => void events.push(event), ...options }, { clock });
  return {
    clock,
    events,
    interceptor,
    open: (shape: CallShape = {}) => new FakeCall(interceptor, shape).start(),
  };
}

/** A call that is refused is told so in a later turn. */
export async function refusal(call: FakeCall): Promise<StatusObject> {
  await Promise.resolve();
  expect(call.statuses).toHaveLength(1);
  expect(call.attempts).toHaveLength(0);
  return call.status as StatusObject;
}
