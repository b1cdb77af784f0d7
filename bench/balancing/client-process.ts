/** One client under test, in a process of its own. */
import { setTimeout as wait } from "node:timers/promises";
import { answerQuestions } from "../harness/answer.ts";
import { CALLERS } from "./callers/all.ts";
import type { Caller, Discovery } from "./callers/caller.ts";
import { type Call, openLoop } from "./open-loop.ts";
import { watchStalls } from "./stalls.ts";
import { logStreams, now, type Stream } from "./stream-log.ts";

export interface OpenQuestion {
  /** Of {@link CALLERS}. */
  client: string;
  discovery: Discovery;
}

export interface RunQuestion {
  perSecond: number;
  /** When the first call is due. Unit: milliseconds since the epoch. */
  startAt: number;
}

/** All that a client has done. */
export interface ClientLog {
  calls: Call[];
  /** Its calls as they went out: one for each attempt. */
  streams: Stream[];
}

// grpc-js asks a DNS server that it is given only with this; it looks when it is loaded, with the client.
process.env["GRPC_NODE_USE_ALTERNATIVE_RESOLVER"] = "true";

const streams = logStreams("client");
const stopping = new AbortController();
let caller: Caller | undefined;
let running: Promise<Call[]> | undefined;

answerQuestions({
  open: async ({ client, discovery }: OpenQuestion) => {
    const entry = CALLERS.find(({ name }) => name === client);
    if (entry === undefined) throw new Error(`There is no client "${client}"`);
    caller = (await entry.load())(discovery);
  },

  run: (load: RunQuestion) => {
    const client = caller;
    if (client === undefined) throw new Error("There is no client yet");
    const call = async () => {
      try {
        return { code: 0, reason: "", from: await client.call() };
      } catch (error) {
        return { ...failureOf(error), from: "" };
      }
    };
    running = openLoop({ ...load, call, now, pause: () => wait(1) }, stopping.signal);
  },

  /** How late it was at most, since this was last asked. */
  stall: watchStalls(),

  /** Ends the load, and tells all since it began. */
  stop: async (): Promise<ClientLog> => {
    stopping.abort();
    return { calls: (await running) ?? [], streams };
  },
});

/** @throws What is no status: a mistake in the harness. */
function failureOf(error: unknown): { code: number; reason: string } {
  if (!(error instanceof Error && "code" in error && typeof error.code === "number")) throw error;
  return { code: error.code, reason: "reason" in error && typeof error.reason === "string" ? error.reason : "" };
}
