import { setImmediate as turn } from "node:timers/promises";
import { median } from "../harness/statistics.ts";
import { clientChain, EMPTY, FULL, INTERCEPTOR_NAMES, serverChain } from "./chains.ts";
import { clientCalls, serverCalls } from "./without-wire.ts";

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
      return new Subject("client", name, (onOk) => clientCalls(clientChain(name), onOk));
    }),
    ...[undefined, EMPTY, ...INTERCEPTOR_NAMES.server, FULL].map((name) => {
      return new Subject("server", name, (onOk) => serverCalls(serverChain(name), onOk));
    }),
  ];
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const subject of subjects) {
      const cpuUs = await subject.measure(calls);
      if (round >= 0) subject.took.push(cpuUs);
    }
  }
  return subjects.flatMap(({ side, name, took }) => {
    const base = subjects.find((each) => each.side === side && each.name === undefined);
    if (base === undefined || name === undefined) return [];
    return [{ name: `${side}/${name}`, cpuUs: median(took) - median(base.took) }];
  });
}

const WARM_UP_ROUNDS = 3;
/** Calls that are made in one turn of the event loop. */
const BATCH = 100;

class Subject {
  readonly side: "client" | "server";
  readonly name: string | undefined;
  /** Of each round. Unit: microseconds. */
  readonly took: number[] = [];
  readonly #call: () => void;
  #ok = 0;

  constructor(side: "client" | "server", name: string | undefined, calls: (onOk: () => void) => () => void) {
    this.side = side;
    this.name = name;
    this.#call = calls(() => (this.#ok += 1));
  }

  /** CPU of one call. @throws {Error} If one does not end with OK. */
  async measure(calls: number): Promise<number> {
    this.#ok = 0;
    const before = process.cpuUsage();
    for (let made = 0; made < calls; made++) {
      this.#call();
      // Some go on in a later turn: for a token, for one.
      if (made % BATCH === 0) await turn();
    }
    await turn();
    const { user, system } = process.cpuUsage(before);
    if (this.#ok !== calls) throw new Error(`${this.#ok} of ${calls} calls of ${this.side}/${this.name} ended with OK`);
    return (user + system) / calls;
  }
}
