import type { status } from "@grpc/grpc-js";
import type { FieldViolation, StatusDetails } from "@holdfast/interceptors/status";

/**
 * What another service answered instead of a response. An adapter translates it into an outcome of the domain; one that
 * nobody translated never leaves the service as it is (gRFC A54): see toStatus.
 */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  readonly code: status;
  /** ErrorInfo.reason. Empty when the peer sent none, as a library or a proxy does. */
  readonly reason: string;
  /** ErrorInfo.metadata. */
  readonly metadata: Readonly<Record<string, string>>;
  /** RetryInfo, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** BadRequest. */
  readonly violations: readonly FieldViolation[];

  constructor(code: status, message: string, details: Partial<StatusDetails> = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.reason = details.reason ?? "";
    this.metadata = details.metadata ?? {};
    this.retryAfterMs = details.retryAfterMs;
    this.violations = details.violations ?? [];
  }
}
