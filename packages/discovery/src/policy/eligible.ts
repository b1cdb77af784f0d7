// SPDX-License-Identifier: MIT
/**
 * Copy:    policy/eligible.ts
 * Place:   between what is known of the endpoints and policy/least-loaded.ts.
 * Does:    says who may be picked. When too few are left, doubts are dropped before certainties: first ejections, then
 *          health that is not known yet, then silence, and last of all what a server says of itself.
 * Doesn't: pick, or remember anything.
 * With:    -
 * Source:  Envoy's panic threshold (50 %); gRFC A17 for health.
 */

/** What is known of an endpoint. */
export interface Standing {
  /** Whether a connection is up. */
  readonly ready: boolean;
  /** What its health service says; undefined until the first answer. */
  readonly serving: boolean | undefined;
  /** It has answered a call with "I am going away". */
  readonly draining: boolean;
  /** Inferred from its failures. */
  readonly ejected: boolean;
  /** A probe over its connection is unanswered. */
  readonly silent: boolean;
}

export interface Eligible<T> {
  readonly candidates: readonly T[];
  /** Better than a host that has just failed the very call: ejected, though answering. */
  readonly others: readonly T[];
}

/** Empty only when no connection is up. */
export function eligible<T extends Standing>(endpoints: readonly T[]): Eligible<T> {
  const ready = endpoints.filter((each) => each.ready);
  const willing = ready.filter(({ serving, draining }) => serving === true && !draining);
  const answering = willing.filter(({ silent }) => !silent);
  const good = answering.filter(({ ejected }) => !ejected);

  // S9: when more than half look bad it is rather us, or everybody, than them. Ejection is a guess from failures and is
  // given up; silence is not, and says nothing about the guess: a call to a connection that does not answer a probe is lost
  // for certain.
  const panic = 2 * (answering.length - good.length) > answering.length;
  if (good.length > 0 && !panic) return { candidates: good, others: answering.filter(({ ejected }) => ejected) };
  const unknown = ready.filter(({ serving, draining, silent }) => serving === undefined && !draining && !silent);
  const fallback = [answering, unknown, willing, ready].find((each) => each.length > 0) ?? [];
  return { candidates: fallback, others: [] };
}
