export type { CaptureEffect, DeclineEffect, Effect, RefundEffect } from "./domain/effect.ts";
export { readEffects } from "./read-effects.ts";
