export { ConfigError } from "./config-error.ts";
export {
  type DrainableServer,
  type DrainableWorker,
  type DrainOptions,
  drain,
  drainProblems,
  graceOf,
} from "./drain.ts";
export { type Lifecycle, type LifecycleOptions, runUntilSignal } from "./lifecycle.ts";
export { createLogger, type Logger, type LoggerOptions } from "./logger.ts";
export { main } from "./main.ts";
export { readConfig } from "./read-config.ts";
export { valuesInFiles } from "./values-in-files.ts";
