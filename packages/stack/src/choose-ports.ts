import { once } from "node:events";
import { createServer } from "node:net";
import { portHolder } from "./port-holder.ts";
import { StackError } from "./stack-error.ts";

/** The ports that outside clients rely on. The other two are nobody's business: 0, any free one. */
export const DEFAULT_PORTS = { payment: 50051, product: 50052, order: 50053, provider: 0, postgres: 0 } as const;

export type PortNames = keyof typeof DEFAULT_PORTS;
type Ports = Readonly<Record<PortNames, number>>;

/**
 * Below the ports that Linux gives to outgoing connections (from 32768 on): a client that tries again and again to reach
 * a port of those while its service is being restarted may get the very port as its own end, and keep it.
 */
const FREE_PORTS = { from: 20_000, below: 32_000 } as const;

/**
 * Checks that the wanted ports are free, and chooses free ones for 0. Nothing keeps them until the services bind them.
 *
 * @throws {StackError} Naming all ports in use, who has them, and how to choose others.
 */
export async function choosePorts(wanted: Partial<Ports>, random: () => number = Math.random): Promise<Ports> {
  const all = { ...DEFAULT_PORTS, ...wanted };
  const chosen = new Map<string, number>();
  const problems: string[] = [];
  for (const [name, port] of Object.entries(all)) {
    if (port === 0) continue;
    if ([...chosen.values()].includes(port)) problems.push(`Port ${port} was chosen twice, for ${name} too.`);
    else if (!(await isFree(port))) problems.push(await describeInUse(name, port));
    chosen.set(name, port);
  }
  if (problems.length > 0) throw new StackError(problems.join("\n"));
  for (const [name, port] of Object.entries(all)) {
    if (port === 0) chosen.set(name, await anyFreePort(new Set(chosen.values()), random));
  }
  return Object.fromEntries(chosen) as Ports;
}

async function describeInUse(name: string, port: number): Promise<string> {
  const holder = await portHolder(port);
  const other = `--${name}-port=${port < 60_000 ? port + 1_000 : port - 1_000}`;
  return `Port ${port} (${name}) is in use by ${holder ?? "another process"}. End that, or choose another with ${other}`;
}

/** Of those that are not taken, one that nobody listens on. @throws {StackError} When there is none. */
export async function anyFreePort(taken: ReadonlySet<number>, random: () => number = Math.random): Promise<number> {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const port = FREE_PORTS.from + Math.floor(random() * (FREE_PORTS.below - FREE_PORTS.from));
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new StackError(`Cannot find a free port from ${FREE_PORTS.from} to ${FREE_PORTS.below}.`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen({ port, host: "127.0.0.1", exclusive: true });
  try {
    await once(server, "listening");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") return false;
    if (code === "EACCES") throw new StackError(`Port ${port} may not be used by this user: choose one above 1023.`);
    throw error;
  }
  server.close();
  await once(server, "close");
  return true;
}
