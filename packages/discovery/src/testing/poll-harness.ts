// SPDX-License-Identifier: MIT
import type { Resolution } from "../resolver/endpoint-source.ts";
import { Poll, type PollOptions, type ResolverEvent } from "../resolver/poll.ts";
import { ManualClock } from "./manual-clock.ts";

/** What a look finds: hosts between spaces. */
export const list = (hosts: string, ttlMs = Infinity): Resolution => ({
  kind: "endpoints",
  endpoints: hosts.split(" ").map((host) => ({ addresses: [{ host, port: 1 }], weight: 1 })),
  ttlMs,
  note: "asked",
});
/** What a look comes to when there is no such service. */
export const none: Resolution = { kind: "none", note: "no such name" };
/** What a look comes to when nobody could say. */
export const failure: Resolution = { kind: "failure", note: "no answer in time" };

/** A poll of a source whose answer can be set; what the sink hears is text. */
export function startPoll(options: PollOptions = {}, random = () => 0.5) {
  const clock = new ManualClock();
  const began = clock.now();
  const state = {
    answer: list("a") as Resolution | Error | undefined,
    /** What a look without an answer comes to when it is aborted; undefined: it does not end. */
    atEnd: undefined as Resolution | undefined,
    accept: true,
    looks: [] as number[],
    aborted: 0,
    heard: [] as string[],
    events: [] as ResolverEvent[],
  };
  const source = {
    resolve(signal: AbortSignal): Promise<Resolution> {
      state.looks.push(clock.now() - began);
      const { promise, resolve } = Promise.withResolvers<Resolution>();
      signal.addEventListener("abort", () => {
        state.aborted += 1;
        if (state.atEnd !== undefined) resolve(state.atEnd);
      });
      const { answer } = state;
      if (answer instanceof Error) return Promise.reject(answer);
      return answer === undefined ? promise : Promise.resolve(answer);
    },
  };
  const sink = {
    list(endpoints: readonly { addresses: readonly { host: string }[] }[]): boolean {
      state.heard.push(endpoints.map(({ addresses }) => addresses.map(({ host }) => host).join("+")).join(" "));
      return state.accept;
    },
    failed: (note: string) => void state.heard.push(`! ${note}`),
  };
  const observe = (event: ResolverEvent) => void state.events.push(event);
  const poll = new Poll(source, sink, { observe, ...options }, { clock, random });
  /** Moves time on in small steps: between two of them promises are settled. */
  const pass = async (ms: number, each: () => void = () => {}): Promise<void> => {
    await settled();
    for (let left = ms; left > 0; left -= 50) {
      clock.advance(Math.min(50, left));
      each();
      await settled();
    }
  };
  return { poll, state, clock, pass };
}

async function settled(): Promise<void> {
  for (let tick = 0; tick < 5; tick += 1) await Promise.resolve();
}
