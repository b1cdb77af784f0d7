// SPDX-License-Identifier: MIT
import { type InterceptorOptions, type NextCall, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localStatus } from "../status.ts";
import { type FakeAttempt, FakeCall } from "../testing/client-call.ts";
import { aBudget, allowed, hosts } from "../testing/hedged-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { hedging } from "./hedging.ts";

describe("hedging(), whatever happens", () => {
  test("10,000 random interleavings: one status, no timer, every attempt ended or cancelled, tokens add up", async () => {
    const step = fc.tuple(
      fc.constantFrom("ok", "fatal", "unavailable", "pushback", "stop", "local", "cancel", "time", "headers"),
      fc.nat(200),
    );
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 15 }),
      fc.record({
        maxAttempts: fc.integer({ min: 2, max: 5 }),
        tokens: fc.nat(5),
        throwsAt: fc.nat(8),
        hostCount: fc.integer({ min: 1, max: 5 }),
      }),
      async (steps, { maxAttempts, tokens, throwsAt, hostCount }) => {
        const clock = new ManualClock();
        const [budget, attempts] = [aBudget(tokens), hosts(hostCount)];
        const interceptor = hedging({ methods: () => allowed, budget, attempts, maxAttempts, delayMs: 100 }, { clock });
        let made = 0;
        const broken = (options: InterceptorOptions, nextCall: NextCall) => {
          if (++made === throwsAt + 2) throw new Error("broken");
          return nextCall(options) as ReturnType<typeof interceptor>;
        };
        const call = new FakeCall([interceptor, broken], { deadline: clock.now() + 1_500 }).start();
        const ended = new Set<FakeAttempt>();
        const isOut = (attempt: FakeAttempt) => !ended.has(attempt) && attempt.cancelled === undefined;
        const act = (attempt: FakeAttempt, kind: string, ms: number) => {
          if (kind !== "headers") ended.add(attempt);
          if (kind === "ok") attempt.succeed();
          else if (kind === "headers") attempt.sendHeaders();
          else if (kind === "fatal") attempt.end(status.INVALID_ARGUMENT);
          else if (kind === "local") attempt.endWith(localStatus(status.UNAVAILABLE, "x", { reason: "CIRCUIT_OPEN" }));
          else if (kind === "pushback") attempt.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": String(ms) });
          else if (kind === "stop") attempt.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": "-1" });
          else attempt.end(status.UNAVAILABLE);
        };
        for (const [kind, n] of steps) {
          const out = call.attempts.filter(isOut);
          const target = out[n % Math.max(1, out.length)];
          if (kind === "time") clock.advance(n);
          else if (kind === "cancel" && n % 4 === 0) call.cancel();
          else if (target) act(target, kind, n);
        }
        // Whoever is left runs into the deadline, as grpc-js would have it.
        clock.advance(2_000);
        for (const attempt of call.attempts.filter(isOut)) {
          ended.add(attempt);
          attempt.end(status.DEADLINE_EXCEEDED);
        }
        await Promise.resolve();
        expect(call.statuses).toHaveLength(1);
        expect(call.messages).toHaveLength(1);
        expect(clock.pending).toBe(0);
        expect(call.attempts.filter(isOut)).toHaveLength(0);
        expect(call.attempts.length).toBeLessThanOrEqual(Math.min(maxAttempts, tokens + 1, hostCount));
        expect(attempts.seen.ended).toBe(1);
        expect(budget.deposits).toBe(1);
      },
    );
    await fc.assert(property, { numRuns: 10_000 });
  }, 60_000);
});
