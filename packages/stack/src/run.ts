/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One life of a process. */
export interface Run {
  readonly pid: number;
  /** Resolves when it serves; rejects when it ended before that. */
  readonly serving: Promise<void>;
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

/** In words: "SIGKILL", "code 1". */
export function describeExit({ code, signal }: Exit): string {
  return signal ?? `code ${code}`;
}
