import { setImmediate as turn } from "node:timers/promises";
import { median } from "../harness/statistics.ts";
import { clientChain, EMPTY, FULL, INTERCEPTOR_NAMES, serverChain } from "./chains.ts";
import { clientCall, serverCall } from "./without-wire.ts";

/** What a call through an interceptor costs more than through none, with no wire below it. Unit: microseconds of CPU. */
export interface OwnCost {
  name: string;
  cpuUs: number;
}

/**
 * Measures all interceptors in turn, round after round. A wire costs a hundred times as much as most of them: next to it their own
 * cost cannot be seen. What they make the wire do, with longer headers or with timers, is not in these figures.
 */
export async function measureOwnCosts({ rounds, calls }: { rounds: number; calls: number }): Promise<OwnCost[]> {
  const subjects = [
    ...[undefined, EMPTY, ...INTERCEPTOR_NAMES.client, FULL].map((name) => {
      return { side: "client", name, call: clientCall(clientChain(name)), took: [] as number[] };
    }),
    ...[undefined, EMPTY, ...INTERCEPTOR_NAMES.server, FULL].map((name) => {
      return { side: "server", name, call: serverCall(serverChain(name)), took: [] as number[] };
    }),
  ];
  // The first call may have to wait, for a token for one.
  for (const { call } of subjects) call();
  await turn();
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const { call, took } of subjects) {
      const cpuUs = await cpuOf(call, calls);
      if (round >= 0) took.push(cpuUs);
    }
  }
  return subjects.flatMap(({ side, name, took }) => {
    const base = subjects.find((each) => each.side === side && each.name === undefined);
    if (base === undefined || name === undefined) return [];
    return [{ name: `${side}/${name}`, cpuUs: median(took) - median(base.took) }];
  });
}

const WARM_UP_ROUNDS = 3;

async function cpuOf(call: () => boolean, calls: number): Promise<number> {
  const before = process.cpuUsage();
  for (let made = 0; made < calls; made++) {
    if (!call()) throw new Error("A call did not end as it should");
  }
  // What they have left for a later turn counts as well.
  await turn();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}
