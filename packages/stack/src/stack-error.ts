/** The stack cannot start. The message is for the user: what happened and what to do. */
export class StackError extends Error {
  override readonly name = "StackError";
}
