import { serially } from "./serially.ts";

/** The captures and refunds that are being carried out. */
export interface InProgress {
  readonly count: number;
  withKey(idempotencyKey: string): number;
  /** Runs a task after those that came with the same key before. */
  alone<T>(idempotencyKey: string, task: () => Promise<T>): Promise<T>;
  /** Runs a task at once. */
  beside<T>(idempotencyKey: string, task: () => Promise<T>): Promise<T>;
}

export function inProgress(): InProgress {
  const perKey = new Map<string, number>();
  const inTurn = serially();
  let count = 0;

  async function beside<T>(key: string, task: () => Promise<T>): Promise<T> {
    count += 1;
    perKey.set(key, (perKey.get(key) ?? 0) + 1);
    try {
      return await task();
    } finally {
      count -= 1;
      const left = (perKey.get(key) ?? 1) - 1;
      if (left === 0) perKey.delete(key);
      else perKey.set(key, left);
    }
  }

  return {
    get count() {
      return count;
    },
    withKey: (key) => perKey.get(key) ?? 0,
    alone: (key, task) => beside(key, () => inTurn(key, task)),
    beside,
  };
}
