/** The server of one contender, in a process of its own. */
import { answerQuestions } from "./answer.ts";
import { loadContender, serverInterceptors } from "./load-contender.ts";

export interface ServeQuestion {
  contender: string;
  /** Of bench/interceptors. */
  chain?: string | undefined;
}

answerQuestions({
  serve: async ({ contender, chain }: ServeQuestion) => {
    const loaded = await loadContender(contender);
    const { port } = await loaded.serve({ interceptors: await serverInterceptors(chain) });
    return port;
  },
  /** User and system time of this process so far, all threads. Unit: microseconds. */
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});
