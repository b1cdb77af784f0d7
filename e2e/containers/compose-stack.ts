import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { docker } from "../support/docker.ts";

const ROOT = join(import.meta.dirname, "../..");
const FILES = [join(ROOT, "docker-compose.yml"), join(import.meta.dirname, "compose.load.yaml")];

/** The services that stay up. */
export const CONTAINERS = ["edge", "payment", "product", "order", "payment-provider", "database"] as const;

const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

export interface Container {
  readonly name: string;
  readonly service: string;
  readonly state: string;
  readonly health: string;
  readonly exitCode: number;
}

/** The system as docker-compose.yml has it, under a name of its own. */
export class ComposeStack {
  readonly #project: string;

  constructor(project: string) {
    this.#project = project;
  }

  /** `docker compose` with these arguments. @returns What it printed to stdout. */
  compose(args: readonly string[], timeoutMs = 120_000): Promise<string> {
    return docker(
      ["compose", "--project-name", this.#project, ...FILES.flatMap((file) => ["--file", file]), ...args],
      timeoutMs,
    );
  }

  /** All of it healthy, whatever was done to it. */
  async up(): Promise<void> {
    await this.compose(["up", "--wait"]);
  }

  /** All containers, those that have ended too. */
  async containers(): Promise<Container[]> {
    const lines = await this.compose(["ps", "--all", "--format", "json"]);
    return lines
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<"Name" | "Service" | "State" | "Health", string> & { ExitCode: number })
      .map(({ Name, Service, State, Health, ExitCode }) => {
        return { name: Name, service: Service, state: State, health: Health, exitCode: ExitCode };
      });
  }

  /** Its name, for a service that has one container. */
  container(service: string): string {
    return `${this.#project}-${service}-1`;
  }

  /** When its container of that number was started. Unit: milliseconds since the epoch. */
  async startedAt(service: string, number: number): Promise<number> {
    const name = `${this.#project}-${service}-${number}`;
    return Date.parse(await docker(["inspect", "--format", "{{.State.StartedAt}}", name]));
  }

  /** Rows of a query in one of the databases, as text. */
  query(database: string, sql: string): Promise<string> {
    return this.compose(["exec", "-T", "database", "psql", "-U", "postgres", "-d", database, "-Atc", sql]);
  }

  /** What a container logs, a line at a time, from its start on and until it is disposed of. */
  follow(service: string, onLine: (line: string) => void): Disposable {
    // Not `docker compose logs`, which puts control sequences in front of lines.
    const child = spawn("docker", ["logs", "--follow", this.container(service)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    createInterface(child.stdout).on("line", onLine);
    return { [Symbol.dispose]: () => void child.kill() };
  }

  /** Of all containers that run, as the kernel accounts for it, without the page cache. Unit: MB. */
  async memory(): Promise<number> {
    const running = (await this.containers()).filter(({ state }) => state === "running").map(({ name }) => name);
    const lines = await docker(["stats", "--no-stream", "--format", "{{.MemUsage}}", ...running]);
    const bytes = lines.split("\n").map((line) => {
      const [, amount = "0", unit = ""] = /^([\d.]+)(\w+)/.exec(line) ?? [];
      return Number(amount) * (BYTES[unit] ?? Number.NaN);
    });
    return Math.round(bytes.reduce((sum, each) => sum + each, 0) / 1_000_000);
  }

  /** Everything, with its data. */
  async remove(): Promise<void> {
    await this.compose([
      "--profile",
      "tools",
      "--profile",
      "load",
      "down",
      "--volumes",
      "--remove-orphans",
      "--timeout",
      "5",
    ]);
  }
}
