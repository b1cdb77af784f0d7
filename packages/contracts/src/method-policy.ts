/** How a method is to be called and served: `ecommerce.options.v1.MethodPolicy` and what else the proto says. */
export interface MethodPolicy {
  readonly idempotency: "UNKNOWN" | "IDEMPOTENT" | "NO_SIDE_EFFECTS";
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  /** The longest that a call may take, and what it gets when its client says nothing. Unit: milliseconds. */
  readonly deadlineMs: number;
  /** Whether a client may send a call again that found the service UNAVAILABLE. */
  readonly retry: "never" | "unavailable";
  /** Which calls go first when there are more than can be served. */
  readonly priority: "critical" | "default" | "sheddable";
  /** Where the idempotency key stands: see the proto. */
  readonly key: "none" | "field" | "metadata";
  /** Whether a second instance may be asked while the first has not answered. */
  readonly hedge: boolean;
  /** Fields of the request, at any depth, that no log may show: those with `debug_redact`, by their name in the generated code. */
  readonly redact: readonly string[];
}
