import { setTimeout as wait } from "node:timers/promises";
import { createLogger, main, runUntilSignal } from "@holdfast/process";
import { v7 as uuidv7 } from "uuid";
import { openEffectsFile } from "./adapters/effects-file.ts";
import { readConfig } from "./config.ts";
import { behaviourSwitch } from "./http/behaviour-switch.ts";
import { inProgress } from "./http/in-progress.ts";
import { routes } from "./http/routes.ts";
import { serveHttp } from "./http/serve-http.ts";

await main("payment-provider", async () => {
  const config = readConfig(process.env);
  const log = createLogger({ service: "payment-provider", level: config.LOG_LEVEL });
  log.info({ config }, "configuration");
  const lifecycle = runUntilSignal({ log, drainMs: config.DRAIN_MS });

  const effects = await openEffectsFile({
    path: config.PROVIDER_FILE,
    log,
    onBroken: (err) => {
      log.fatal({ err }, "effects file is broken");
      process.exit(1);
    },
  });
  lifecycle.onDrain("effects file", () => effects[Symbol.asyncDispose]());

  const api = routes({
    effects,
    behaviour: behaviourSwitch({
      mode: config.PROVIDER_MODE,
      timesLeft: undefined,
      honoursKeys: !config.PROVIDER_IGNORE_IDEMPOTENCY_KEYS,
    }),
    inProgress: inProgress(),
    newId: () => uuidv7().replaceAll("-", ""),
    slowMs: config.SLOW_MS,
    wait,
  });
  const server = await serveHttp(api, { listen: config.PROVIDER_LISTEN, log });
  lifecycle.onDrain("http server", () => server.close());

  lifecycle.ready({ host: server.host, port: server.port, effects: effects.count });
});
