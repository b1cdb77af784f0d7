import { expect, test } from "vitest";
import { checkAnswer } from "../harness/call-of.ts";
import { loadContender } from "../harness/load-contender.ts";
import type { Pair } from "../harness/pair.ts";
import { clientChain, INTERCEPTOR_NAMES, serverChain } from "./chains.ts";
import { singleOnes, wholeChains } from "./pairs.ts";
import { measureRejections } from "./rejections.ts";

const singles = singleOnes(INTERCEPTOR_NAMES);

test.each<Pair>([...wholeChains(), ...singles])("$name: answers as without", async (pair) => {
  const contender = await loadContender(pair.contender);
  await using server = await contender.serve({ interceptors: serverChain(pair.serverChain) });
  using caller = contender.connect({
    port: server.port,
    concurrency: 1,
    interceptors: clientChain(pair.clientChain),
  });
  await expect(checkAnswer(caller, "unary")).resolves.toBeUndefined();
  await expect(checkAnswer(caller, "stream")).resolves.toBeUndefined();
});

test("an interceptor that is not there is not measured as none", () => {
  expect(() => clientChain("nothing")).toThrow("nothing");
  expect(() => serverChain("nothing")).toThrow("nothing");
});

test("an open circuit refuses calls in less than a millisecond", async () => {
  const { medianMs } = await measureRejections(200);
  expect(medianMs).toBeLessThan(1);
});
