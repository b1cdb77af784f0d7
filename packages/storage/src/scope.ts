/** How long a piece of work may take and who may end it earlier. The context of every RPC call is one. */
export interface Scope {
  /** When the work must be over. Unit: milliseconds since the epoch. */
  readonly deadline: number;
  /** Aborts when nobody waits for the result any more. */
  readonly signal: AbortSignal;
}
