/** How long a piece of work may take and who may end it earlier. The context of every RPC call is one. */
export interface Scope {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly signal: AbortSignal;
}
