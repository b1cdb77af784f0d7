/**
 * `npm start`: the whole system on this machine, until Ctrl-C. `npm start -- --help` tells the options.
 */
import { StackError, startStack } from "@holdfast/stack";
import { seedCatalogue } from "./seed/seed-catalogue.ts";
import { readOptions, type StartOptions } from "./start/options.ts";
import { reporter } from "./start/reporter.ts";
import { stopRequests } from "./start/stop-requests.ts";
import { USAGE } from "./start/usage.ts";
import { UsageError } from "./start/usage-error.ts";
import { welcome } from "./start/welcome.ts";

const STOPPED_EARLY = 130;

async function start({ folder, ports, replicas, fresh }: StartOptions): Promise<number> {
  const report = reporter(process.stdout);
  const stop = stopRequests();
  try {
    report.line(`Starting the payment provider, PostgreSQL and the three services in ${folder}`);
    await using stack = await startStack({
      folder,
      ports,
      replicas,
      fresh,
      signal: stop.signal,
      onEvent: report.onEvent,
    });
    stop.onSecond(() => stack.end());
    const example = await seedCatalogue({ stack, onProgress: report.line, signal: stop.signal });
    report.ready();
    console.log(welcome(stack, example));
    await stop.requested;
    report.stopping();
    await stack.stop();
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return STOPPED_EARLY;
    if (!(error instanceof StackError)) throw error;
    console.error(`\n${error.message}`);
    return 1;
  } finally {
    report.end();
  }
}

try {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options.help) console.log(USAGE);
  process.exitCode = options.help ? 0 : await start(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
// Whatever a library still waits for: everything that we started has been stopped.
process.exit();
