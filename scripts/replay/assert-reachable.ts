import { once } from "node:events";
import { connect } from "node:net";
import type { Clock } from "./clock.ts";
import { InputError } from "../audit/input-error.ts";

/** A service that is being started again is back within this time. Unit: milliseconds. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 100;

/** @throws {InputError} If nobody listens at `target` (host:port) for 5 s: then no stack is running. */
export async function assertReachable(
  name: string,
  target: string,
  { clock, signal, patienceMs = PATIENCE_MS }: { clock: Clock; signal: AbortSignal; patienceMs?: number },
): Promise<void> {
  const separator = target.lastIndexOf(":");
  const [host, port] = [target.slice(0, separator), Number(target.slice(separator + 1))];
  const isPort = Number.isInteger(port) && port > 0 && port < 65_536;
  if (host === "" || !isPort) throw new InputError(`Cannot reach ${name} at "${target}": wanted is host:port`);

  const giveUpAt = clock.now() + patienceMs;
  while (!(await listens(host, port, signal))) {
    if (clock.now() < giveUpAt) await clock.sleep(RETRY_MS, signal);
    else throw new InputError(`Cannot reach ${name} at ${target}: start the stack with "npm start" first`);
  }
}

async function listens(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  const socket = connect({ host, port, timeout: 1_000 });
  try {
    socket.once("timeout", () => socket.destroy(new Error("no answer")));
    await once(socket, "connect", { signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error) return false; // refused, no such host, or no answer
    throw error;
  } finally {
    socket.destroy();
  }
}
