import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const LISTEN =
  "require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port); })";
/** On loopback a connection that is to be is there at once. Unit: milliseconds. */
const DROPPED_AFTER_MS = 300;

/** A port of this host where a SYN is dropped, as one to a pod that is gone: a frozen process listens there, and its queue is full. */
export async function blackHole(): Promise<AsyncDisposable & { port: number }> {
  const child = spawn(process.execPath, ["-e", LISTEN], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  const port = Number(String(line));
  child.kill("SIGSTOP");
  const queued: Socket[] = [];
  for (let connected = true; connected; ) {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    queued.push(socket);
    connected = await Promise.race([once(socket, "connect").then(() => true), sleep(DROPPED_AFTER_MS, false)]);
  }
  const dropped = queued.at(-1)?.destroy();
  if (dropped !== undefined) await once(dropped, "close");
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of queued) socket.destroy();
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
