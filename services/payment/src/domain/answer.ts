/** What is known of an effect (a capture or a refund) after the provider was asked to make it, or asked about it. */
export type Answer =
  /** It happened. More than one id only where a provider carried out one key several times; the oldest comes first. */
  | { readonly kind: "done"; readonly effectIds: readonly [string, ...string[]] }
  /** It did not happen, and the provider says why. */
  | { readonly kind: "refused"; readonly code: string }
  /** Nothing is known under the key. Only an answer to a question. */
  | { readonly kind: "none" }
  /** No answer, or none that can be understood: it may have happened, or may happen yet. */
  | { readonly kind: "unknown"; readonly why: string };
