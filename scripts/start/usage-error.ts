/** The command line, or a variable that stands for a part of it, is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
