// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { aSource, HOUR, tick } from "../testing/client-auth.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { type AuthEvent, TokenCache } from "./auth.ts";

describe("TokenCache", () => {
  test("T5: asks its source once, however many wait, and again when the token's time is over", async () => {
    const clock = new ManualClock();
    const source = aSource(clock);
    const cache = new TokenCache({ token: source.token });
    expect(cache.current(clock)).toBeUndefined();
    const values = await Promise.all([cache.renew(clock), cache.renew(clock)]);
    expect(values).toEqual(["token-1", "token-1"]);
    clock.advance(HOUR - 1);
    expect(cache.current(clock)).toBe("token-1");
    await tick();
    clock.advance(HOUR);
    expect(cache.current(clock)).toBeUndefined();
  });

  test("T5: renews ahead of the end, without making anybody wait", async () => {
    const clock = new ManualClock();
    const source = aSource(clock);
    const cache = new TokenCache({ token: source.token, refreshAheadMs: 10_000 });
    await cache.renew(clock);
    clock.advance(HOUR - 10_001);
    expect(cache.current(clock)).toBe("token-1");
    expect(source.asked).toBe(1);
    clock.advance(1);
    expect(cache.current(clock)).toBe("token-1");
    await tick();
    expect(cache.current(clock)).toBe("token-2");
  });

  test("a short-lived token is not renewed all the time", async () => {
    const clock = new ManualClock();
    let asked = 0;
    const token = async () => ({ value: `token-${(asked += 1)}`, expiresAt: clock.now() + 10_000 });
    const cache = new TokenCache({ token, refreshAheadMs: 30_000 });
    await cache.renew(clock);
    clock.advance(7_999);
    expect(cache.current(clock)).toBe("token-1");
    await tick();
    expect(asked).toBe(1);
  });

  test("a failed renewal ahead of the end leaves the token that still holds, and ends nothing", async () => {
    const clock = new ManualClock();
    const source = aSource(clock);
    const events: AuthEvent[] = [];
    const cache = new TokenCache({ token: source.token, observe: (event) => events.push(event) });
    await cache.renew(clock);
    clock.advance(HOUR - 1_000);
    source.next = Promise.reject(new Error("The issuer is down"));
    expect(cache.current(clock)).toBe("token-1");
    await tick();
    expect(events.at(-1)).toMatchObject({ kind: "refresh_failed" });
    expect(cache.current(clock)).toBe("token-1");
    await tick();
  });

  test("T5: forgets a refused token, but not one that is quite new, nor one that took its place", async () => {
    const clock = new ManualClock();
    const cache = new TokenCache({ token: aSource(clock).token });
    await cache.renew(clock);
    cache.refuse("token-1", clock.now() + 999);
    expect(cache.current(clock)).toBe("token-1");
    cache.refuse("token-0", clock.now() + 1_000);
    expect(cache.current(clock)).toBe("token-1");
    cache.refuse("token-1", clock.now() + 1_000);
    expect(cache.current(clock)).toBeUndefined();
  });
});
