/** What a caller can tell apart about a failed transaction; whatever is not listed is thrown as it came. */
export const DatabaseErrorKind = {
  /** Cannot connect, connection lost, every connection busy, or the server is stopping or starting. */
  Unavailable: "unavailable",
  /** The scope's deadline passed. */
  Deadline: "deadline",
  /** The scope's signal aborted. */
  Cancelled: "cancelled",
  /** A lock was not to be had within `lockTimeoutMs`. */
  LockTimeout: "lock_timeout",
  /** Deadlocks or serialization failures, again after every retry. */
  Conflict: "conflict",
  UniqueViolation: "unique_violation",
  CheckViolation: "check_violation",
  ForeignKeyViolation: "foreign_key_violation",
} as const;
export type DatabaseErrorKind = (typeof DatabaseErrorKind)[keyof typeof DatabaseErrorKind];

export interface DatabaseErrorDetails {
  /** Whether the transaction may have been committed: the connection was lost while it was. @default false */
  outcomeUnknown?: boolean;
  /** The violated constraint. Only for the `…_violation` kinds. */
  constraint?: string;
  cause?: unknown;
}

/** Why a transaction failed, as data. Unless `outcomeUnknown`, nothing of it was committed. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly kind: DatabaseErrorKind;
  readonly outcomeUnknown: boolean;
  readonly constraint: string | undefined;

  constructor(kind: DatabaseErrorKind, message: string, details: DatabaseErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.outcomeUnknown = details.outcomeUnknown ?? false;
    this.constraint = details.constraint;
  }
}
