/** A chain of interceptors that would not do what it says. Found when it is built, before the first call. */
export class ChainError extends Error {
  override readonly name = "ChainError";
  constructor(problem: string) {
    super(`Cannot build the chain: ${problem}`);
  }
}
