// The program that lifecycle.test.ts starts, and ends in several ways. What it does is chosen by BEHAVIOUR.
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { createLogger, main, readConfig, runUntilSignal } from "./index.ts";

await main("child", async () => {
  const config = readConfig(
    z.object({ BEHAVIOUR: z.string(), DRAIN_MS: z.coerce.number().int().positive() }),
    process.env,
  );
  const log = createLogger({ service: "child" });
  const lifecycle = runUntilSignal({ log, drainMs: config.DRAIN_MS, sameSignalMs: 50 });
  lifecycle.onDrain("database", () => undefined);
  lifecycle.onDrain("first", () => log.info("step first"));
  lifecycle.onDrain("second", async () => {
    await wait(20);
    log.info("step second");
    if (config.BEHAVIOUR === "hang") await new Promise(() => {});
    if (config.BEHAVIOUR === "fail") throw new Error("cannot close");
  });
  setInterval(() => {}, 1_000);
  if (config.BEHAVIOUR === "throw")
    setImmediate(() => {
      throw new Error("a bug");
    });
  if (config.BEHAVIOUR === "reject") void Promise.reject(new Error("a bug"));
  if (config.BEHAVIOUR === "no-start") throw new Error("no port", { cause: new Error("in use") });
  lifecycle.ready({ port: 1 });
});
