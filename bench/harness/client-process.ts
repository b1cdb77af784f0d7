/** The client of one contender, in a process of its own. It keeps a client for each server and number of calls. */
import type { Caller } from "../contenders/contender.ts";
import { answerQuestions } from "./answer.ts";
import { callOf, checkAnswer } from "./call-of.ts";
import { load, repeat } from "./load.ts";
import { clientInterceptors, loadContender } from "./load-contender.ts";
import type { Shape } from "./pair.ts";

export interface CallQuestion {
  contender: string;
  /** Of bench/interceptors. */
  chain?: string | undefined;
  port: number;
  shape: Shape;
  /** Calls at the same time. */
  concurrency: number;
}

const callers = new Map<string, Promise<Caller>>();

answerQuestions({
  check: async (question: CallQuestion) => checkAnswer(await callerOf(question), question.shape),

  /** For a time. */
  load: async ({ ms, ...question }: CallQuestion & { ms: number }) =>
    load(callOf(await callerOf(question), question.shape), { concurrency: question.concurrency, ms }),

  /** A number of calls. */
  repeat: async ({ calls, ...question }: CallQuestion & { calls: number }) =>
    repeat(callOf(await callerOf(question), question.shape), { concurrency: question.concurrency, calls }),
});

function callerOf(question: CallQuestion): Promise<Caller> {
  const key = `${question.port} ${question.concurrency}`;
  const known = callers.get(key);
  if (known !== undefined) return known;
  const made = connect(question);
  callers.set(key, made);
  return made;
}

async function connect({ contender, chain, port, concurrency }: CallQuestion): Promise<Caller> {
  const loaded = await loadContender(contender);
  return loaded.connect({ port, concurrency, interceptors: await clientInterceptors(chain) });
}
