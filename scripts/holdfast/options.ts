import { isIPv6 } from "node:net";
import { parseArgs } from "node:util";

export const USAGE = `npm run holdfast endpoints [-- options]

Shows how the instances of a running system see each other: which instances a service has, what state they are in, how
many calls they have under way, and which share of the calls they get.

  --at <host:port>   ask this instance only                              [all of the system]
  --folder <path>    the folder that the system was started with;        [.holdfast]
                     not together with --at
  --json             one JSON object for each instance that was asked, a line each
  --help             this text

What it asks is ecommerce.admin.v1.AdminService/ListTargets, which any client can call.`;

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface EndpointsOptions {
  /** `host:port`. Undefined: all instances of the system. */
  readonly at: string | undefined;
  /** Undefined: that of npm start. */
  readonly folder: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

/** Reads the command line. @throws {UsageError} If it says nothing that can be shown, or a flag is wrong. */
export function readOptions(args: readonly string[]): EndpointsOptions {
  const flag = { type: "boolean", default: false } as const;
  const value = { type: "string" } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { at: value, folder: value, json: flag, help: flag },
    });
    const { at, folder, json, help } = values;
    if (positionals.join(" ") !== "endpoints" && !help) throw new Error("Say what to show: endpoints");
    if (at !== undefined && folder !== undefined) throw new Error("--at asks one instance only: it needs no --folder");
    if (at !== undefined && !isAddress(at)) throw new Error(`--at wants host:port, got "${at}"`);
    return { at, folder, json, help };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}

function isAddress(text: string): boolean {
  const [, v6, name, port] = /^(?:\[(.+)\]|([\w.-]+)):(\d{1,5})$/.exec(text) ?? [];
  return (name !== undefined || isIPv6(v6 ?? "")) && Number(port) >= 1 && Number(port) <= 65_535;
}
