import { fork } from "node:child_process";
import { once } from "node:events";
import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { type Connected, connect } from "@holdfast/rpc";

const MAIN = new URL("../main.ts", import.meta.url);

/** The service as a process of its own. */
export interface OrderProcess extends AsyncDisposable {
  readonly client: Connected<typeof OrderServiceDefinition>;
  /** SIGKILL: nothing gets a chance to say goodbye. */
  kill(): Promise<void>;
  /** SIGTERM. @returns The exit code. */
  end(): Promise<number | null>;
}

/** Starts `main.ts` on any free port. @throws {Error} If it ends before it serves. */
export async function startOrderProcess(env: Readonly<Record<string, string>>): Promise<OrderProcess> {
  const child = fork(MAIN, { env: { ...process.env, LISTEN: "127.0.0.1:0", LOG_LEVEL: "fatal", ...env } });
  const exited = once(child, "exit") as Promise<[code: number | null]>;
  const ready = Promise.withResolvers<number>();
  child.on("message", ({ port }: { port: number }) => ready.resolve(port));
  void exited.then(([code]) => ready.reject(new Error(`The service ended with ${code} before it served`)));
  const target = `127.0.0.1:${await ready.promise}`;
  const client = connect(OrderServiceDefinition, target, { timeoutMs: 60_000 });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const [code] = await exited;
    client[Symbol.dispose]();
    return code;
  };
  const kill = async () => void (await end("SIGKILL"));
  return { client, kill, end: () => end("SIGTERM"), [Symbol.asyncDispose]: kill };
}
