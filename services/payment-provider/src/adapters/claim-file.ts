import { existsSync, realpathSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** Who was killed a moment ago may not be gone yet. Unit: milliseconds. */
const KILLED_WITHIN_MS = 1_000;
/** Source: sqlite.org/rescode.html. */
const SQLITE_BUSY = 5;

/**
 * Takes a file for this process alone, by a lock of the kernel on `<path>.lock`: it is gone with the process, however that
 * ends, and holds between containers on one volume, where ids of processes mean nothing. Dispose to give it back.
 *
 * Node cannot lock a file itself, its SQLite can: the database stays empty.
 *
 * @throws {Error} If another process has it, also a frozen one; that is waited for 1 s.
 */
export function claimFile(path: string): Disposable {
  const file = existsSync(path) ? realpathSync(path) : path; // one lock, whatever links lead to the file
  const lock = new DatabaseSync(`${file}.lock`, { open: false, timeout: KILLED_WITHIN_MS });
  try {
    lock.open();
    lock.exec("pragma journal_mode = off; begin exclusive");
  } catch (cause) {
    if (lock.isOpen) lock.close();
    const why = isBusy(cause) ? "another process has it" : "its lock cannot be taken";
    throw new Error(`Cannot use "${path}": ${why}`, { cause });
  }
  return { [Symbol.dispose]: () => lock.close() };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}
