/** How long a piece of work may take and who may end it earlier. */
export interface Scope {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** Aborted when nobody waits for the result any more. */
  readonly signal: AbortSignal;
}
