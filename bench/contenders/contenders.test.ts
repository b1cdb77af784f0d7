import { describe, expect, test } from "vitest";
import { checkAnswer } from "../harness/call-of.ts";
import { loadContender } from "../harness/load-contender.ts";
import { CONTENDERS } from "./all.ts";
import type { Caller } from "./contender.ts";

describe.each(CONTENDERS)("$name", ({ contender }) => {
  test("answers a call and a stream, each with the same product as every other contender", async () => {
    const loaded = await loadContender(contender);
    await using server = await loaded.serve({});
    using caller = loaded.connect({ port: server.port, concurrency: 1 });
    await expect(checkAnswer(caller, "unary")).resolves.toBeUndefined();
    await expect(checkAnswer(caller, "stream")).resolves.toBeUndefined();
  });

  test("answers 32 calls at the same time", async () => {
    const loaded = await loadContender(contender);
    await using server = await loaded.serve({});
    using caller = loaded.connect({ port: server.port, concurrency: 32 });
    const checks = Array.from({ length: 32 }, () => checkAnswer(caller, "unary"));
    await expect(Promise.all(checks)).resolves.toHaveLength(32);
  });
});

describe("checkAnswer()", () => {
  /** A caller that gets what it is told, whatever it asks for. */
  function callerOf(answers: unknown[]): Caller {
    return {
      getProduct: async () => answers[0],
      listProducts: async (onMessage) => answers.forEach(onMessage),
      plain: (answer) => answer,
      [Symbol.dispose]: () => undefined,
    };
  }

  test("refuses an answer that is not the product", async () => {
    await expect(checkAnswer(callerOf([{ id: "prod_1" }]), "unary")).rejects.toThrow("not the product");
  });

  test("refuses a stream that is too short", async () => {
    await expect(checkAnswer(callerOf([]), "stream")).rejects.toThrow("0 answers");
  });
});
