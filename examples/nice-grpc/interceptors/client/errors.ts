// SPDX-License-Identifier: MIT
/**
 * Copy:    client/errors.ts
 * Place:   client, second: inside context and call telemetry, outside deadline. It sees the final status only.
 * Does:    reads google.rpc.Status once and puts reason, domain, errorMetadata, retryAfterMs, violations … on the status;
 *          raw grpc-js copies them onto its ServiceError, so `error.reason` works. Codes outside 0 to 16 become UNKNOWN.
 * Doesn't: change code or text of a known code, nor decide who tries again.
 * With:    status.ts
 * Source:  AIP-193; gRPC's "HTTP to gRPC Status Code Mapping", which grpc-js applies below.
 */
import {
  InterceptingCall,
  type Interceptor,
  type Metadata,
  type NextCall,
  type ServiceError,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { detailsOf, type StatusDetails } from "../status.ts";

type LowerCall = ReturnType<NextCall>;
type Listener = NonNullable<Parameters<LowerCall["start"]>[1]>;

/** What google.rpc.Status says, under names that do not clash with those of a StatusObject. */
export interface ErrorDetails extends Omit<StatusDetails, "metadata"> {
  /** ErrorInfo's metadata; `metadata` are the trailers. */
  errorMetadata?: Readonly<Record<string, string>>;
}

/** A ServiceError behind this interceptor. The fields are there as far as the server sent them. */
export type DetailedError = ServiceError & Partial<ErrorDetails>;

/** The status with its details as fields; the same object when there is nothing to add. */
export function decoded(result: StatusObject): StatusObject & Partial<ErrorDetails> {
  if (result.code === status.OK) return result;
  // A peer may send any number; callers decide by 17 of them.
  const known = status[result.code] === undefined ? { ...result, code: status.UNKNOWN } : result;
  const details = detailsOf(result.metadata);
  if (details === undefined) return known;
  const { metadata: errorMetadata, ...rest } = details;
  // The spread keeps what others put there: the mark of a local rejection, the list of attempts.
  return { ...rest, ...(errorMetadata && { errorMetadata }), ...known };
}

/** Makes errors readable for the caller. */
export function errors(): Interceptor {
  return (options, nextCall) => new DecodingCall(nextCall(options));
}

class DecodingCall extends InterceptingCall {
  readonly #lower: LowerCall;
  #listener: Listener = {};

  constructor(lower: LowerCall) {
    super(lower);
    this.#lower = lower;
  }

  override start(metadata: Metadata, listener: Listener = {}): void {
    this.#listener = listener;
    this.#lower.start(metadata, this);
  }
  onReceiveMetadata(metadata: Metadata): void {
    this.#listener.onReceiveMetadata?.(metadata);
  }
  onReceiveMessage(message: unknown): void {
    this.#listener.onReceiveMessage?.(message);
  }
  onReceiveStatus(result: StatusObject): void {
    this.#listener.onReceiveStatus?.(decoded(result));
  }
}
