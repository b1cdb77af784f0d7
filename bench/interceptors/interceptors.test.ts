import { expect, test } from "vitest";
import { checkAnswer } from "../harness/call-of.ts";
import { loadContender } from "../harness/load-contender.ts";
import type { Pair } from "../harness/pair.ts";
import { clientChain, INTERCEPTOR_NAMES, serverChain } from "./chains.ts";
import { measureOwnCpu, measureOwnGarbage } from "./own-cost.ts";
import { LIBRARIES, singleOnes, wholeChains } from "./pairs.ts";
import { measureRejections } from "./rejections.ts";

const pairs = LIBRARIES.flatMap((library) => [...wholeChains(library), ...singleOnes(library, INTERCEPTOR_NAMES)]);

test.each<Pair>(pairs)("$contender, $name: answers as without", async (pair) => {
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
  expect(() => clientChain("missing")).toThrow("missing");
  expect(() => serverChain("missing")).toThrow("missing");
});

test("an open circuit refuses calls in less than a millisecond", async () => {
  const { medianMs } = await measureRejections(200);
  expect(medianMs).toBeLessThan(1);
});

test("every interceptor is measured by itself, with calls that end well", async () => {
  const [cpu, garbage] = [await measureOwnCpu({ rounds: 1, calls: 20 }), await measureOwnGarbage({ calls: 20 })];
  const { client, server } = INTERCEPTOR_NAMES;
  const names = [
    ...["empty", ...client, "full"].map((name) => `client/${name}`),
    ...["empty", ...server, "full"].map((name) => `server/${name}`),
  ];
  expect(cpu.map(({ name }) => name)).toEqual(names);
  expect(garbage.map(({ name }) => name)).toEqual(names);
});
