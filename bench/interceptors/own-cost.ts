import { setImmediate as turn } from "node:timers/promises";
import { median } from "../harness/statistics.ts";
import { clientChain, EMPTY, FULL, INTERCEPTOR_NAMES, serverChain } from "./chains.ts";
import { clientCalls, serverCalls } from "./without-wire.ts";

/** What a call through an interceptor costs more than through none, with no wire below it. */
export interface OwnCost {
  /** `client/retry` */
  name: string;
  cost: number;
}

/**
 * CPU in microseconds: medians of rounds in which all take turns. A wire costs a hundred times as much as most of them: next to it
 * their own cost cannot be seen. What they make the wire do, with longer headers or with timers, is not in these figures.
 */
export async function measureOwnCpu({ rounds, calls }: { rounds: number; calls: number }): Promise<OwnCost[]> {
  const subjects = allSubjects();
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const subject of subjects) {
      const before = process.cpuUsage();
      await subject.run(calls);
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) subject.took.push((user + system) / calls);
    }
  }
  return againstNone(subjects);
}

/**
 * Bytes on the heap that are to be collected again, which costs more later on than most of what makes them. Wants a process in
 * which nothing is collected meanwhile: see {@link NOTHING_COLLECTED}.
 */
export async function measureOwnGarbage({ calls }: { calls: number }): Promise<OwnCost[]> {
  const subjects = allSubjects();
  for (const subject of subjects) {
    // Until it is compiled a function leaves more behind.
    await subject.run(4 * calls);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    await subject.run(calls);
    subject.took.push((process.memoryUsage().heapUsed - before) / calls);
  }
  return againstNone(subjects);
}

/** Options of Node for {@link measureOwnGarbage}. */
export const NOTHING_COLLECTED = ["--expose-gc", "--min-semi-space-size=512", "--max-semi-space-size=512"];

function allSubjects(): Subject[] {
  return [
    ...[undefined, EMPTY, ...INTERCEPTOR_NAMES.client, FULL].map((name) => {
      return new Subject("client", name, (onOk) => clientCalls(clientChain(name), onOk));
    }),
    ...[undefined, EMPTY, ...INTERCEPTOR_NAMES.server, FULL].map((name) => {
      return new Subject("server", name, (onOk) => serverCalls(serverChain(name), onOk));
    }),
  ];
}

function againstNone(subjects: readonly Subject[]): OwnCost[] {
  return subjects.flatMap(({ side, name, took }) => {
    const none = subjects.find((each) => each.side === side && each.name === undefined);
    if (none === undefined || name === undefined) return [];
    return [{ name: `${side}/${name}`, cost: median(took) - median(none.took) }];
  });
}

const WARM_UP_ROUNDS = 3;
/** Calls that are made in one turn of the event loop. */
const BATCH = 100;

class Subject {
  readonly side: "client" | "server";
  readonly name: string | undefined;
  /** Of each round, for one call. */
  readonly took: number[] = [];
  readonly #call: () => void;
  #ok = 0;

  constructor(side: "client" | "server", name: string | undefined, calls: (onOk: () => void) => () => void) {
    this.side = side;
    this.name = name;
    this.#call = calls(() => (this.#ok += 1));
  }

  /** @throws {Error} If a call does not end with OK. */
  async run(calls: number): Promise<void> {
    this.#ok = 0;
    for (let made = 0; made < calls; made++) {
      this.#call();
      // Some go on in a later turn: for a token, for one.
      if (made % BATCH === 0) await turn();
    }
    await turn();
    if (this.#ok !== calls) throw new Error(`${this.#ok} of ${calls} calls of ${this.side}/${this.name} ended with OK`);
  }
}
