import type { Figures } from "./figures.ts";
import type { Instance } from "./instance.ts";
import type { OwnFault } from "./instance-process.ts";

/** One way for an instance to be bad. */
export interface Fault {
  /** In tables, and for --only. */
  name: string;
  begin(bad: Instance): Promise<void>;
  /** Resolves when it is well again. */
  end(bad: Instance): Promise<void>;
  /** What the process has to be told at its start. */
  own?: OwnFault;
  /** How long it lasts. @default that of the plan */
  lasts?: "killed";
  /** How long a client has to notice. Unit: milliseconds. */
  noticeMs: number;
  limits: Limits;
}

/** What our client must keep. Undefined: anything. */
export interface Limits {
  failedShare: number;
  badShare?: number;
  backMs?: number;
}

const BACK_MS = 5_000;
const RESOLUTIONS_PER_SECOND = 2;
const silenced: Limits = { failedShare: 0.001, badShare: 0.01, backMs: BACK_MS };

export const FAULTS: readonly Fault[] = [
  { name: "none", begin: nothing, end: nothing, noticeMs: 0, limits: { failedShare: 0 } },
  {
    name: "SIGKILL",
    begin: (bad) => bad.kill(),
    end: (bad) => bad.start(),
    lasts: "killed",
    noticeMs: 1_000,
    limits: { failedShare: 0, backMs: BACK_MS },
  },
  {
    name: "SIGSTOP",
    begin: async (bad) => bad.signal("SIGSTOP"),
    end: async (bad) => bad.signal("SIGCONT"),
    noticeMs: 1_000,
    limits: silenced,
  },
  {
    name: "DROP",
    begin: (bad) => needed(bad.place.cut)(),
    end: (bad) => needed(bad.place.mend)(),
    noticeMs: 1_000,
    limits: silenced,
  },
  {
    name: "UNAVAILABLE",
    own: "unavailable",
    begin: (bad) => bad.switchFault(true),
    end: (bad) => bad.switchFault(false),
    noticeMs: 1_000,
    limits: silenced,
  },
  {
    name: "silent",
    begin: async (bad) => {
      await bad.kill();
      await bad.startSilent();
    },
    end: async (bad) => {
      await bad.kill();
      await bad.start();
    },
    noticeMs: 1_000,
    limits: silenced,
  },
  {
    name: "+500 ms",
    own: "slow",
    begin: (bad) => bad.switchFault(true),
    end: (bad) => bad.switchFault(false),
    noticeMs: 3_000,
    limits: { failedShare: 0.001, badShare: 0.1, backMs: BACK_MS },
  },
];

/** What our client has not kept, each in words. */
export function missedOf({ limits }: Pick<Fault, "limits">, figures: Figures): string[] {
  const { failedShare, badShare = Infinity, backMs = Infinity } = limits;
  const missed: string[] = [];
  const failed = (figures.failed + figures.failedAfter) / figures.calls;
  if (!(failed <= failedShare)) {
    missed.push(`${percent(failed)} of the calls failed (${figures.codes}), may be ${percent(failedShare)}`);
  }
  if (!(figures.badShare <= badShare)) {
    missed.push(`${percent(figures.badShare)} of the calls went to the bad instance, may be ${percent(badShare)}`);
  }
  if (!(figures.backMs <= backMs)) missed.push(`its share was back after ${figures.backMs} ms, may be ${backMs}`);
  if (figures.resolutionsPerSecond > RESOLUTIONS_PER_SECOND) {
    missed.push(`${figures.resolutionsPerSecond} resolutions in a second, may be ${RESOLUTIONS_PER_SECOND}`);
  }
  return missed;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

async function nothing(): Promise<void> {}

function needed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("This network cannot be cut");
  return value;
}
