import { spawn } from "node:child_process";
import { once } from "node:events";

/** A program of ours as a process of its own, which says by IPC when it serves. Disposing kills it. */
export interface Child extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Everything that it has written so far. */
  output(): string;
  /** Ends it as a crash does: nothing of it gets a chance to tidy up. */
  kill(): Promise<void>;
  /** Asks it to drain, and gives its exit code. */
  stop(): Promise<unknown>;
  /** Stops the process without ending it, or lets it go on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
}

export async function startChild(program: URL, env: Readonly<Record<string, string>>): Promise<Child> {
  const child = spawn(process.execPath, [program.pathname], {
    env: { PATH: process.env["PATH"], EXIT_WITH_PARENT: "1", ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  child.stdout?.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr?.on("data", (data: Buffer) => (output += data.toString()));
  const exited = once(child, "exit");
  const started = await Promise.race([once(child, "message"), exited.then(() => undefined)]);
  if (started === undefined || child.pid === undefined) throw new Error(`${program.pathname} did not start: ${output}`);
  const [{ port }] = started as [{ port: number }];

  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  const stop = async (): Promise<unknown> => {
    child.kill("SIGTERM");
    return (await exited)[0];
  };
  const signal = (name: "SIGSTOP" | "SIGCONT") => void child.kill(name);
  return { port, pid: child.pid, output: () => output, kill, stop, signal, [Symbol.asyncDispose]: kill };
}
