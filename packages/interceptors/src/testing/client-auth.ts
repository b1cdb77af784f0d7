// SPDX-License-Identifier: MIT
import { type AuthEvent, type AuthOptions, auth, type Token } from "../client/auth.ts";
import { type CallShape, FakeCall } from "./client-call.ts";
import { ManualClock } from "./manual-clock.ts";

/** Until what was waited for has gone on. */
export const tick = () => new Promise((resolve) => setImmediate(resolve));
/** For how long a token holds. Unit: milliseconds. */
export const HOUR = 3_600_000;

/** A source of token-1, token-2 …, each of which holds for an hour. What it gives and when can be decided by the test. */
export function aSource(clock: ManualClock) {
  const source = {
    asked: 0,
    next: undefined as Promise<Token> | undefined,
    token: (): Promise<Token> => {
      source.asked += 1;
      return source.next ?? Promise.resolve({ value: `token-${source.asked}`, expiresAt: clock.now() + HOUR });
    },
  };
  return source;
}

/** Calls through auth, and the source of its tokens. */
export function setup(options: Partial<AuthOptions> = {}) {
  const clock = new ManualClock();
  const source = aSource(clock);
  const events: AuthEvent[] = [];
  const observe = (event: AuthEvent): void => void events.push(event);
  const interceptor = auth({ token: source.token, observe, ...options }, { clock });
  const call = (shape: CallShape = {}): FakeCall => new FakeCall(interceptor, shape);
  /** With the first token in the cache, and no longer new. */
  const warm = async (): Promise<void> => {
    call().start();
    await tick();
    clock.advance(5_000);
  };
  return { clock, source, events, call, warm };
}
