import { DatabaseError, DatabaseErrorKind } from "./database-error.ts";

/** The part of a server's error report that decisions are made on. */
export interface ServerError extends Error {
  /** Five characters. Source: PostgreSQL manual, appendix A. */
  readonly code: string;
  /** ERROR ends the statement; FATAL and PANIC end the connection. */
  readonly severity: string;
  readonly constraint?: string;
}

export const QUERY_CANCELED = "57014";

const KINDS: Readonly<Record<string, DatabaseErrorKind>> = {
  "23503": DatabaseErrorKind.ForeignKeyViolation,
  "23505": DatabaseErrorKind.UniqueViolation,
  "23514": DatabaseErrorKind.CheckViolation,
  "25P03": DatabaseErrorKind.Deadline, // idle_in_transaction_session_timeout
  "25P04": DatabaseErrorKind.Deadline, // transaction_timeout
  "40001": DatabaseErrorKind.Conflict, // serialization_failure
  "40P01": DatabaseErrorKind.Conflict, // deadlock_detected
  "53300": DatabaseErrorKind.Unavailable, // too_many_connections
  "55P03": DatabaseErrorKind.LockTimeout,
  "57P01": DatabaseErrorKind.Unavailable, // admin_shutdown
  "57P02": DatabaseErrorKind.Unavailable, // crash_shutdown
  "57P03": DatabaseErrorKind.Unavailable, // cannot_connect_now
};

const MESSAGES: Record<DatabaseErrorKind, string> = {
  unavailable: "Cannot reach the database",
  deadline: "Cannot finish the transaction: its deadline has passed",
  cancelled: "Cannot finish the transaction: it was cancelled",
  lock_timeout: "Cannot lock a row: another transaction holds it",
  conflict: "Cannot finish the transaction: it collides with others",
  unique_violation: "Cannot store the row: it exists already",
  check_violation: "Cannot store the row: it breaks a rule of the table",
  foreign_key_violation: "Cannot store the row: another table's row is missing or still refers to it",
};

/** Whether the server itself reported the error, in contrast to a lost connection or a bug on our side. */
export function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && "code" in error && "severity" in error && typeof error.severity === "string";
}

/** Whether the connection is gone after this error. */
export function endsConnection(error: unknown): boolean {
  return isServerError(error) && error.severity !== "ERROR";
}

/** Gives a server's error its kind. An error that has none comes back as it is. */
export function toDatabaseError(error: unknown): unknown {
  if (!isServerError(error)) return error;
  const kind = KINDS[error.code] ?? (error.code.startsWith("08") ? DatabaseErrorKind.Unavailable : undefined);
  if (kind === undefined) return error;
  const { constraint } = error;
  return new DatabaseError(kind, MESSAGES[kind], { cause: error, ...(constraint && { constraint }) });
}

/** An error of the given kind in the words every place uses. */
export function databaseError(kind: DatabaseErrorKind, cause?: unknown, outcomeUnknown = false): DatabaseError {
  return new DatabaseError(kind, MESSAGES[kind], { cause, outcomeUnknown });
}
