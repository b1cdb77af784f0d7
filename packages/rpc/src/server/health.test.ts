import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { HealthRegistry } from "./health.ts";

test("a watcher that goes away before it waits leaves no unhandled rejection: one would end the process", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  onTestFinished(() => void process.off("unhandledRejection", note));

  const watcher = new AbortController();
  const change = new HealthRegistry(["a.Service"]).changed(watcher.signal);
  watcher.abort();
  await turn();
  await turn();
  expect(unhandled).toEqual([]);
  await expect(change).rejects.toMatchObject({ name: "AbortError" });
});
