import { isDeepStrictEqual } from "node:util";
import type { Caller } from "../contenders/contender.ts";
import { MESSAGES_PER_STREAM, PRODUCT } from "../contenders/payload.ts";
import type { Shape } from "./pair.ts";

/** One call of this shape. A stream that is too short or too long fails. */
export function callOf(caller: Caller, shape: Shape): () => Promise<unknown> {
  if (shape === "unary") return () => caller.getProduct();
  return async () => {
    let received = 0;
    await caller.listProducts(() => received++);
    if (received !== MESSAGES_PER_STREAM) throw new Error(`The stream had ${received} messages`);
  };
}

/** Makes one call. @throws {Error} Unless every answer is the product of payload.ts, whole. */
export async function checkAnswer(caller: Caller, shape: Shape): Promise<void> {
  const answers: unknown[] = [];
  if (shape === "unary") answers.push(await caller.getProduct());
  else await caller.listProducts((message) => answers.push(message));

  const wanted = shape === "unary" ? 1 : MESSAGES_PER_STREAM;
  if (answers.length !== wanted) throw new Error(`${answers.length} answers instead of ${wanted}`);
  for (const answer of answers) {
    const plain = caller.plain(answer);
    if (!isDeepStrictEqual(plain, PRODUCT)) throw new Error(`The answer is not the product: ${JSON.stringify(plain)}`);
  }
}
