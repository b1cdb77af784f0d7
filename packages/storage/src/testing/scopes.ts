import type { Scope } from "../scope.ts";

/** A scope that nobody ends early. */
export function within(ms: number): Scope {
  return { deadline: Date.now() + ms, signal: new AbortController().signal };
}

/** A scope of 10 s with the means to end it. */
export function cancellable(): { scope: Scope; cancel: () => void } {
  const controller = new AbortController();
  const scope = { deadline: Date.now() + 10_000, signal: controller.signal };
  return { scope, cancel: () => controller.abort(new Error("the caller left")) };
}
