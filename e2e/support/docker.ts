import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Runs `docker`. @throws {Error} With what it has printed. */
export async function docker(args: readonly string[], timeoutMs = 60_000): Promise<string> {
  const { stdout } = await promisify(execFile)("docker", args, { timeout: timeoutMs, maxBuffer: 64 * 1_024 * 1_024 });
  return stdout.trim();
}

/** What a container has logged so far, to stdout and stderr. */
export async function logsOf(container: string): Promise<string[]> {
  const { stdout, stderr } = await promisify(execFile)("docker", ["logs", container], {
    maxBuffer: 64 * 1_024 * 1_024,
  });
  return `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
}

/** Why containers cannot run here; undefined if they can. What is not there yet is pulled. */
export async function missingForContainers(images: readonly string[]): Promise<string | undefined> {
  const engine = (await because("no Docker engine", ["info"])) ?? (await because("no Compose", ["compose", "version"]));
  if (engine !== undefined) return engine;
  for (const image of images) {
    if ((await because("", ["image", "inspect", image])) === undefined) continue;
    const reason = await because(`no image ${image}`, ["pull", "--quiet", image], 120_000);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

async function because(what: string, args: readonly string[], timeoutMs?: number): Promise<string | undefined> {
  return await docker(args, timeoutMs).then(
    () => undefined,
    (error: Error) => `${what}: ${error.message.trim().split("\n").at(-1)}`,
  );
}
