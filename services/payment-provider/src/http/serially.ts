/** Runs tasks with the same key one after the other, others at the same time. */
export function serially() {
  const last = new Map<string, Promise<unknown>>();

  return async function run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = last.get(key);
    // The one before has told its own caller how it ended; here only its end counts.
    const mine = before === undefined ? task() : before.then(task, task);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
