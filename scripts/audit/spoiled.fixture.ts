import type { TestBooks } from "./books.fixture.ts";

/** One thing spoiled, and what the audit has to say: nothing else. */
export type Spoiled = [what: string, invariant: string, subject: string, spoil: (books: TestBooks) => Promise<unknown>];
