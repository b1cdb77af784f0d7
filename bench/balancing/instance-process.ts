/** One instance of the service, or what stands in its place and stays silent. */
import { createServer } from "node:net";
import { status } from "@grpc/grpc-js";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { createLogger } from "@holdfast/process";
import { type Handlers, server as rpc, serve } from "@holdfast/rpc";
import { answerQuestions } from "../harness/answer.ts";
import { watchStalls } from "./stalls.ts";
import { logStreams } from "./stream-log.ts";

/** Faults of the process itself; the others come from outside. */
const FAULTS = {
  unavailable: { share: 1, end: { code: status.UNAVAILABLE, text: "The instance is broken" } },
  slow: { share: 1, delayMs: 500 },
} as const;
export type OwnFault = keyof typeof FAULTS;

export interface ServeQuestion {
  name: string;
  address: string;
  port: number;
  /** What {@link SwitchQuestion} will switch. */
  fault: OwnFault;
}

export interface SwitchQuestion {
  faulty: boolean;
}

const streams = logStreams("server");
let faulty = false;

answerQuestions({
  serve: async ({ name, address, port, fault }: ServeQuestion) => {
    const log = createLogger({ service: name, level: "silent" });
    // That of services/product, and its room for calls: six processes share two cores, and all are late at times.
    const admission = [
      rpc.guard(),
      rpc.context(),
      rpc.telemetry(),
      rpc.drain(),
      rpc.deadline(),
      rpc.loadShed({ minInFlight: 100 }),
    ];
    const faults = rpc.fault({ allowed: true, enabled: () => faulty, faults: [FAULTS[fault]] });
    const server = await serve(ProductServiceDefinition, handlersOf(name), {
      listen: `${address}:${port}`,
      log,
      chain: [...admission, faults, rpc.validation(), rpc.errors()],
    });
    server.health.set(true);
  },

  /** Health answers as everything else does: late, or not at all. */
  switch: ({ faulty: wanted }: SwitchQuestion) => {
    faulty = wanted;
  },

  /** Accepts connections and never says a word. */
  "stay silent": async ({ address, port }: { address: string; port: number }) => {
    const server = createServer((socket) => socket.on("error", () => socket.destroy()).resume());
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, address, resolve));
  },

  streams: () => streams,

  /** How late it was at most, since this was last asked. */
  stall: watchStalls(),
});

/** Its name is the product's id: a caller sees who has answered. */
function handlersOf(name: string): Handlers<typeof ProductServiceDefinition> {
  const product = { id: name, name: "", price: undefined, stock: 0, sku: "", description: "" };
  const answer = { product: { ...product, createTime: undefined, updateTime: undefined } };
  return {
    getProduct: async () => answer,
    batchGetProducts: refuse,
    listProducts: refuse,
    createProduct: refuse,
    importProducts: refuse,
    watchStock: refuse,
    reserveStock: refuse,
    commitStock: refuse,
    releaseStock: refuse,
  };
}

function refuse(): never {
  throw new Error("Nobody calls this");
}
