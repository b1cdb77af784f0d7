/** An answer that is not the wished one: `{ "error": …, "reason": … }` under an HTTP status. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  /** Which kind, for programs. */
  readonly error: string;
  /** What to mend, for people. */
  readonly reason: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, error: string, reason?: string, headers: Readonly<Record<string, string>> = {}) {
    super(reason === undefined ? error : `${error}: ${reason}`);
    this.status = status;
    this.error = error;
    this.reason = reason;
    this.headers = headers;
  }
}
