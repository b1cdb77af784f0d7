// SPDX-License-Identifier: MIT
import type { status } from "@grpc/grpc-js";
import { type StatusObject } from "@grpc/grpc-js";
import { expect } from "vitest";
import { type BreakerEvent, Breakers, type BreakersOptions, breaker } from "../client/breaker.ts";
import { type CallShape, type FakeAttempt, FakeCall } from "./client-call.ts";
import { ManualClock } from "./manual-clock.ts";

/** A breaker with time and chance in the test's hand; `random` 0.5 means no jitter. */
export function setUp(options: BreakersOptions = {}, random = () => 0.5) {
  const clock = new ManualClock();
  const events: BreakerEvent[] = [];
  const breakers = new Breakers({ observe: (event) => void events.push(event), ...options }, { clock, random });
  const interceptor = breaker({ target: "payment:1", breakers });
  const open = (shape: CallShape = {}) => new FakeCall(interceptor, shape).start();
  return {
    clock,
    events,
    breakers,
    open,
    /** One call that the server answers with this code; undefined if it was refused. */
    call(code: status, shape: CallShape = {}): FakeAttempt | undefined {
      const { attempts } = open({ answer: (attempt) => attempt.end(code), ...shape });
      return attempts[0];
    },
    calls(count: number, code: status, shape: CallShape = {}): void {
      for (let i = 0; i < count; i++) this.call(code, shape);
    },
    state: (method?: string) =>
      breakers.list().find((each) => each.method === method && each.target === "payment:1")?.state,
    /** Changes of one circuit. */
    changes: (method?: string) =>
      events.filter((each) => each.kind === "changed" && each.method === method).map(({ state }) => state),
  };
}

/** The status of a refused call is given in a later turn. */
export async function refusal(call: FakeCall): Promise<StatusObject> {
  await Promise.resolve();
  expect(call.statuses).toHaveLength(1);
  expect(call.attempts).toHaveLength(0);
  return call.status as StatusObject;
}
