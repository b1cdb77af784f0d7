import { expect, test } from "vitest";
import { endAtOnce } from "./end-at-once.ts";
import type { Exit, Run } from "./run.ts";
import { ServiceInstances } from "./service-instances.ts";
import type { StackEvent } from "./stack-event.ts";
import { stopInOrder } from "./stop-in-order.ts";
import { type Supervised, supervise } from "./supervise.ts";

/** Starts processes that serve at once and end by force only; `launched` has a name for each start of one. */
function stubbornProcesses() {
  const launched: string[] = [];
  async function launch({ name }: { name: string }): Promise<Run> {
    launched.push(name);
    const { promise: exited, resolve } = Promise.withResolvers<Exit>();
    const kill = (signal: NodeJS.Signals) => {
      if (signal === "SIGKILL") resolve({ code: null, signal });
    };
    return { pid: launched.length, serving: Promise.resolve(), exited, kill };
  }
  return { launch, launched };
}

test("endAtOnce() cuts an orderly stop short, and starts nothing any more", async () => {
  const { launch, launched } = stubbornProcesses();
  const events: StackEvent[] = [];
  const onEvent = (event: StackEvent) => events.push(event);
  const [postgres, provider] = ["postgres", "provider"].map((name) =>
    supervise({ name, onEvent, launch: () => launch({ name }) }),
  ) as [Supervised, Supervised];
  const instances = new ServiceInstances({
    ports: { payment: 1, product: 2, order: 3 },
    surroundings: { databaseUrls: { payment: "", product: "", order: "" }, providerUrl: "", clusterDns: "", env: {} },
    logs: "",
    stopWithinMs: 60_000,
    before: async () => undefined,
    onEvent,
    onServing: () => undefined,
    launch,
  });
  await Promise.all([postgres.ready(), provider.ready(), instances.scale("order", 1)]);
  const processes = { postgres, provider, instances };
  const since = performance.now();
  const stopped = stopInOrder(processes);
  endAtOnce(processes);
  await stopped;
  expect(events).not.toContainEqual(expect.objectContaining({ kind: "ended" }));
  expect(launched.toSorted()).toEqual(["order", "postgres", "provider"]);
  expect(performance.now() - since).toBeLessThan(1_000); // an orderly stop of these takes 4
});
