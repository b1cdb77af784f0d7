import { createLogger, graceOf, main, runUntilSignal } from "@holdfast/process";
import { readConfig } from "./config.ts";
import { forward } from "./forward.ts";

await main("edge", async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: "edge", level: config.LOG_LEVEL });
  log.info({ config }, "configuration");
  const lifecycle = runUntilSignal({ log, drainMs: config.DRAIN_MS });

  const options = { host: config.LISTEN_HOST, log, waitMs: config.WAIT_MS };
  const ports = await Promise.all(config.ROUTES.map((route) => forward({ ...route, ...options })));
  const graceMs = graceOf({ ...config, DRAIN_RESOLVERS_MS: 0 });
  lifecycle.onDrain("connections", async () => {
    await Promise.all(ports.map(({ close }) => close({ graceMs })));
  });
  lifecycle.ready({ routes: config.ROUTES.length });
});
