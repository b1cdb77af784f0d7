// SPDX-License-Identifier: MIT
import type { Metadata } from "@grpc/grpc-js";
import { type HedgingEvent, type HedgingOptions, hedging } from "../client/hedging.ts";
import { type CallShape, FakeCall } from "./client-call.ts";
import { ManualClock } from "./manual-clock.ts";

/** What the contract says of a method that may be hedged. */
export const allowed = { hedge: true, idempotency: "NO_SIDE_EFFECTS" } as const;

/** A budget that counts, with as many tokens as it is given. */
export function aBudget(tokens = Infinity) {
  return {
    tokens,
    deposits: 0,
    previous: [] as number[],
    successes: 0,
    failures: 0,
    deposit(): void {
      this.deposits += 1;
    },
    withdraw(previousAttempts: number): boolean {
      this.previous.push(previousAttempts);
      return --this.tokens >= 0;
    },
    recordSuccess(): void {
      this.successes += 1;
    },
    recordFailure(): void {
      this.failures += 1;
    },
  };
}

/** Hosts that the attempts of a call can go to, and how often the call was ended. */
export function hosts(count: number) {
  const seen = { marked: 0, ended: 0 };
  const begin = () => {
    let tried = 0;
    return {
      mark: (metadata: Metadata) => {
        tried += 1;
        seen.marked += 1;
        metadata.set("host", String(tried));
        return { peer: `10.0.0.${tried}:50051` };
      },
      hasUntried: () => tried < count,
      end: () => void (seen.ended += 1),
    };
  };
  return { begin, seen };
}

/** Hedged calls, and what their hedging has told. */
export function setUp(options: Partial<HedgingOptions> = {}) {
  const clock = new ManualClock();
  const events: HedgingEvent[] = [];
  const budget = aBudget();
  const interceptor = hedging(
    { methods: () => allowed, budget, observe: (event) => void events.push(event), delayMs: 100, ...options },
    { clock },
  );
  return {
    clock,
    events,
    budget,
    interceptor,
    open: (shape: CallShape = {}) => new FakeCall(interceptor, shape).start(),
    /** One call that is answered after so long. */
    call(ms: number): void {
      const { attempt } = this.open();
      clock.advance(ms);
      attempt.succeed();
    },
  };
}
