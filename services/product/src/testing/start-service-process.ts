import { fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";

const MAIN = new URL("../main.ts", import.meta.url);

/** The service as a process of its own. Dispose it to kill it. */
export interface ServiceProcess extends AsyncDisposable {
  readonly pid: number;
  /** `host:port` */
  readonly target: string;
  /** Its exit code, when it has ended. */
  readonly exitCode: Promise<number | null>;
  /** Resident memory now. Unit: bytes. */
  rss(): Promise<number>;
  /** Most resident memory so far. Unit: bytes. */
  peakRss(): Promise<number>;
}

/**
 * The limits that the README names. Without the second one the young generation grows to 96 MB, which counts towards
 * the first: from then on the collector runs all the time, and an import takes eight times the CPU.
 */
const HEAP_LIMITS = ["--max-old-space-size=160", "--max-semi-space-size=4"];

/** Starts `src/main.ts` on any free port. @throws {Error} If it ends before it serves. */
export async function startServiceProcess(databaseUrl: string): Promise<ServiceProcess> {
  const child = fork(MAIN, {
    env: { ...process.env, DATABASE_URL: databaseUrl, LISTEN: "127.0.0.1:0", LOG_LEVEL: "warn" },
    execArgv: HEAP_LIMITS,
  });
  const exitCode = once(child, "exit").then(([code]) => code as number | null);
  const ready = Promise.withResolvers<number>();
  child.on("message", (message) => {
    if (isReady(message)) ready.resolve(message.port);
  });
  void exitCode.then((code) => ready.reject(new Error(`The service ended with ${code} before it served`)));
  const port = await ready.promise;
  const pid = child.pid ?? 0;
  return {
    pid,
    exitCode,
    target: `127.0.0.1:${port}`,
    rss: () => memoryOf(pid, "VmRSS"),
    peakRss: () => memoryOf(pid, "VmHWM"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exitCode;
    },
  };
}

function isReady(message: unknown): message is { port: number } {
  return typeof message === "object" && message !== null && "port" in message && typeof message.port === "number";
}

async function memoryOf(pid: number, field: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(kilobytes) * 1_024;
}
