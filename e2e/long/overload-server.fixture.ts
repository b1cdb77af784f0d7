/**
 * A server whose calls cost 5 ms of processor time, behind load shedding as it comes. A process of its own, to be
 * overloaded. Prints its port; for each line on its input, what it did and what memory it holds.
 */
import { createInterface } from "node:readline";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { loadShed, type ShedCause } from "@holdfast/interceptors/server/load-shed";

const COST_MS = 5;

const shed: Partial<Record<ShedCause, number>> = {};
let limit = 0;
/** Not the time of day: on a busy machine a call costs as much as on an idle one, it only takes longer. */
const processorMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};
const asIs = (bytes: Buffer): Buffer => bytes;
const server = new Server({
  "grpc.enable_channelz": 0,
  interceptors: [
    loadShed({
      observe: (event) => {
        if (event.kind === "shed") shed[event.cause] = (shed[event.cause] ?? 0) + 1;
        else limit = event.limit;
      },
    }),
  ],
});
server.addService(
  {
    Work: {
      path: "/test.v1.Work/Work",
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  },
  {
    Work: (_: unknown, respond: (error: null, answer: Buffer) => void) => {
      const until = processorMs() + COST_MS;
      while (processorMs() < until);
      respond(null, Buffer.from("done"));
    },
  },
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  console.log(port);
});
createInterface({ input: process.stdin }).on("line", () => {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  console.log(JSON.stringify({ shed, limit, rssMb: rss / 1e6, heapMb: heapUsed / 1e6 }));
});
