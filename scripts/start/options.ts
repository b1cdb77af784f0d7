import { join } from "node:path";
import { parseArgs } from "node:util";
import { DEFAULT_PORTS, type PortNames, SERVICE_NAMES, type ServiceName } from "@holdfast/stack";
import { UsageError } from "./usage-error.ts";

/** Each is a process of some 120 MiB with connections to the database of its own. */
const MOST_REPLICAS = 5;

/** Where `npm start` keeps its data unless told otherwise. */
const DEFAULT_FOLDER = join(import.meta.dirname, "../../.holdfast");

export interface StartOptions {
  readonly folder: string;
  readonly ports: Partial<Record<PortNames, number>>;
  readonly replicas: Partial<Record<ServiceName, number>>;
  readonly fresh: boolean;
  readonly help: boolean;
}

const PORT_NAMES = Object.keys(DEFAULT_PORTS) as PortNames[];

/** Reads the command line; ports also from PAYMENT_PORT and so on, where the line says nothing. @throws {UsageError} */
export function readOptions(args: readonly string[], env: Readonly<Record<string, string | undefined>>): StartOptions {
  const values = parse(args);
  const ports: Partial<Record<PortNames, number>> = {};
  for (const name of PORT_NAMES) {
    const [flag, variable] = [`${name}-port`, `${name.toUpperCase()}_PORT`];
    const given = values[flag];
    if (typeof given === "string") ports[name] = portOf(`--${flag}`, given);
    else if (env[variable]) ports[name] = portOf(variable, env[variable]);
  }
  const { folder, replicas } = values;
  if (folder === "") throw new UsageError("--folder wants a path");
  return {
    folder: typeof folder === "string" ? folder : DEFAULT_FOLDER,
    ports,
    replicas: typeof replicas === "string" ? replicasOf(replicas) : {},
    fresh: values["fresh"] === true,
    help: values["help"] === true,
  };
}

function parse(args: readonly string[]): Readonly<Record<string, string | boolean | undefined>> {
  const ports = PORT_NAMES.map((name) => [`${name}-port`, { type: "string" }] as const);
  try {
    return parseArgs({
      // A package runner may hand on the "--" that ends its own flags.
      args: args.filter((arg, index) => arg !== "--" || index > 0),
      options: {
        fresh: { type: "boolean" },
        folder: { type: "string" },
        replicas: { type: "string" },
        help: { type: "boolean", short: "h" },
        ...(Object.fromEntries(ports) as Record<`${PortNames}-port`, { type: "string" }>),
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function portOf(name: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new UsageError(`${name} wants a port from 0 to 65535, got "${text}"`);
}

/** Reads `payment=3,order=2`. */
function replicasOf(text: string): Partial<Record<ServiceName, number>> {
  const replicas: Partial<Record<ServiceName, number>> = {};
  for (const part of text.split(",")) {
    const [, service, count] = /^(\w+)=([1-9]\d?)$/.exec(part.trim()) ?? [];
    const name = SERVICE_NAMES.find((each) => each === service);
    if (name === undefined || Number(count) > MOST_REPLICAS || name in replicas) {
      throw new UsageError(
        `--replicas wants services with a number from 1 to ${MOST_REPLICAS} each, once, such as payment=3,order=2; got "${part}"`,
      );
    }
    replicas[name] = Number(count);
  }
  return replicas;
}
