import type { CaptureEffect, DeclineEffect, Effect, NewEffect, RefundEffect } from "./effect.ts";

/** Everything that ever happened. What it shows includes effects that are still on their way to the disk. */
export interface Effects {
  readonly count: number;
  /** All effects with this key, oldest first; more than one only where keys are not honoured. */
  withKey(idempotencyKey: string): readonly Effect[];
  capture(id: string): CaptureEffect | DeclineEffect | undefined;
  refundsOf(captureId: string): readonly RefundEffect[];
  /** Takes effect at once; resolves when it is on the disk. */
  append(effect: NewEffect): Promise<Effect>;
  /** Resolves when all that is visible now is on the disk. */
  durable(): Promise<void>;
}
