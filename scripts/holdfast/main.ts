import { parseArgs } from "node:util";
import { RemoteError } from "@holdfast/rpc";
import { StackError } from "@holdfast/stack";
import { findInstances } from "./find-instances.ts";
import { formatEndpoints } from "./format-endpoints.ts";
import { listTargets } from "./list-targets.ts";

const USAGE = `npm run holdfast endpoints [-- options]

Shows how the instances of a running system see each other: which instances a service has, what state they are in, how
many calls they have under way, and which share of the calls they get.

  --at <host:port>   ask this instance only                              [all of the system]
  --folder <path>    the folder that the system was started with         [.holdfast]
  --json             one JSON object for each instance that was asked, a line each
  --help             this text

What it asks is ecommerce.admin.v1.AdminService/ListTargets, which any client can call.`;

class UsageError extends Error {
  override readonly name = "UsageError";
}

function readFlags() {
  const flag = { type: "boolean" } as const;
  const value = { type: "string" } as const;
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { at: value, folder: value, json: flag, help: flag },
    });
    if (positionals.join(" ") !== "endpoints" && values.help !== true) throw new Error("Say what to show: endpoints");
    return values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}

async function endpoints({ at, folder, json }: ReturnType<typeof readFlags>): Promise<void> {
  const instances = at === undefined ? await findInstances(folder) : [{ name: at, target: at }];
  for (const { name, target } of instances) {
    try {
      const targets = await listTargets(target);
      console.log(
        json === true ? JSON.stringify({ name, target, targets }) : formatEndpoints({ name, target, targets }),
      );
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      // The others have something to say about it.
      console.error(`${name} (${target}) does not answer: ${error.message}`);
      process.exitCode = 1;
    }
  }
}

try {
  const flags = readFlags();
  if (flags.help === true) console.log(USAGE);
  else await endpoints(flags);
} catch (error) {
  const known = error instanceof UsageError || error instanceof StackError || error instanceof RemoteError;
  console.error(known ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
