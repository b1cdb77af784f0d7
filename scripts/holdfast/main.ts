import { RemoteError } from "@holdfast/rpc";
import { StackError } from "@holdfast/stack";
import { endWithReader } from "../end-with-reader.ts";
import { findInstances } from "./find-instances.ts";
import { formatEndpoints } from "./format-endpoints.ts";
import { listTargets } from "./list-targets.ts";
import { type EndpointsOptions, readOptions, USAGE, UsageError } from "./options.ts";

async function endpoints({ at, folder, json }: EndpointsOptions): Promise<void> {
  const instances = at === undefined ? await findInstances(folder) : [{ name: at, target: at }];
  for (const { name, target } of instances) {
    try {
      const targets = await listTargets(target);
      console.log(json ? JSON.stringify({ name, target, targets }) : formatEndpoints({ name, target, targets }));
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      // The others have something to say about it.
      console.error(`${name} (${target}) does not answer: ${error.message}`);
      process.exitCode = 1;
    }
  }
}

endWithReader();
try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else await endpoints(options);
} catch (error) {
  const known = error instanceof UsageError || error instanceof StackError || error instanceof RemoteError;
  console.error(known ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
