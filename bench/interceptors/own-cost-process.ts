/** Measures what interceptors cost by themselves, in a process of its own: nothing else is compiled or collected in it. */
import { answerQuestions } from "../harness/answer.ts";
import { measureOwnCpu, measureOwnGarbage } from "./own-cost.ts";

answerQuestions({ cpu: measureOwnCpu, garbage: measureOwnGarbage });
