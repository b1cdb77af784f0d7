/** What keeps a file of the kit from being copied. */
export interface Fault {
  /** As it lies in a copy, such as `client/retry.ts`. */
  readonly file: string;
  readonly message: string;
}
