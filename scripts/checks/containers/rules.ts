/** One thing that is not as it should be. */
export interface Finding {
  readonly rule: string;
  /** The part of the file, such as `services.order`. */
  readonly where: string;
  readonly message: string;
}

/** By the rule's name: what it has against a subject, one message for each fault. */
export type Rules<T> = Readonly<Record<string, (subject: T) => readonly string[]>>;

/** What a group of rules finds in one subject. */
export function applied<T>(rules: Rules<T>, subject: T, where: string): Finding[] {
  return Object.entries(rules).flatMap(([rule, messages]) =>
    messages(subject).map((message) => ({ rule, where, message })),
  );
}

/** The message, unless all is well. */
export function unless(fine: boolean, message: string): readonly string[] {
  return fine ? [] : [message];
}
