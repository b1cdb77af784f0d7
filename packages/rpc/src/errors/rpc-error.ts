import type { status } from "@grpc/grpc-js";
import type { ErrorReason as OrderReason } from "@holdfast/contracts/ecommerce/order/v1/error_reason";
import type { ErrorReason as PaymentReason } from "@holdfast/contracts/ecommerce/payment/v1/error_reason";
import type { ErrorReason as ProductReason } from "@holdfast/contracts/ecommerce/product/v1/error_reason";
import type { ErrorReason as CommonReason } from "@holdfast/contracts/ecommerce/type/v1/error_reason";

type Names<Reasons> =
  Exclude<keyof Reasons & string, "UNRECOGNIZED"> extends `ERROR_REASON_${infer Name}` ? Name : never;

/** A reason that the contracts publish, without the prefix that the enum needs. */
export type Reason =
  | Names<typeof OrderReason>
  | Names<typeof PaymentReason>
  | Names<typeof ProductReason>
  | Names<typeof CommonReason>;

/** What an error carries beside code, reason and metadata. */
export interface RpcErrorOptions extends ErrorOptions {
  /** BadRequest: which fields break which rule. */
  violations?: readonly FieldViolation[];
  /** RetryInfo: when to come back. Unit: milliseconds. */
  retryAfterMs?: number;
  /** ResourceInfo: what is not there, or there already. */
  resource?: { type: string; name: string };
  /** PreconditionFailure: what stands in the way. */
  precondition?: { type: string; subject: string };
}

/** One field of a request and what is wrong with it. */
export interface FieldViolation {
  /** Path in the proto's own names, such as `items[3].quantity`. Empty for the request as a whole. */
  field: string;
  /** What the rule wants, for people. */
  description: string;
}

/**
 * An error that a caller can act on. A service throws it from `rpc/`; the server's boundary turns it into
 * google.rpc.Status. Messages follow AIP-193: `Cannot <do what> "<which>": <current state>`, and everything dynamic in
 * them stands in the metadata as well.
 */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: status;
  readonly reason: Reason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;
  readonly resource: { type: string; name: string } | undefined;
  readonly precondition: { type: string; subject: string } | undefined;

  constructor(
    code: status,
    reason: Reason,
    message: string,
    metadata: Readonly<Record<string, string>> = {},
    options: RpcErrorOptions = {},
  ) {
    super(message, options);
    this.code = code;
    this.reason = reason;
    this.metadata = metadata;
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.resource = options.resource;
    this.precondition = options.precondition;
  }
}
