/** What happens while a stack runs, for people who watch. */
export type StackEvent =
  /** Something takes time, or is done another way than expected. */
  | { kind: "progress"; process: string; message: string }
  /** Runs, for the first time or once more; does not serve yet. */
  | { kind: "started"; process: string; pid: number }
  /** Serves, for the first time or once more. `elapsedMs` since it was started. */
  | { kind: "ready"; process: string; again: boolean; elapsedMs: number }
  /** Ended without being told to, or could not be started; is started again after `againInMs`. */
  | { kind: "ended"; process: string; how: string; againInMs: number }
  /** Ended because the stack stops. */
  | { kind: "stopped"; process: string; how: string; elapsedMs: number };
