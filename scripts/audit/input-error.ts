/** What the user gave cannot be worked with: the message says what, the program ends with 2. */
export class InputError extends Error {
  override readonly name = "InputError";
}
