import { createLogger, main, runUntilSignal } from "@holdfast/process";
import { readConfig } from "./config.ts";
import { forward } from "./forward.ts";

await main(async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: "edge", level: config.LOG_LEVEL });
  log.info({ config }, "configuration");
  const lifecycle = runUntilSignal({ log, drainMs: config.DRAIN_MS });

  for (const route of config.ROUTES) {
    const { port, close } = await forward({ ...route, host: config.LISTEN_HOST, log, waitMs: config.WAIT_MS });
    lifecycle.onDrain(`port ${port}`, close);
  }
  lifecycle.ready({ routes: config.ROUTES.length });
});
