import { afterEach, describe, expect, test, vi } from "vitest";
import { aServer } from "../../rpc/src/testing/a-server.ts";
import { orAborted } from "./or-aborted.ts";
import type { Program } from "./programs.ts";
import type { Exit } from "./run.ts";
import { ServiceInstances, type ServiceInstancesOptions } from "./service-instances.ts";
import { StackError } from "./stack-error.ts";
import type { StackEvent } from "./stack-event.ts";

type Launch = NonNullable<ServiceInstancesOptions["launch"]>;

/** What a process ends with that is not started again. */
const WRONG_CONFIGURATION = 78;
const databaseUrls = { payment: "", product: "", order: "" };
const surroundings = { databaseUrls, providerUrl: "", clusterDns: "", env: {} };
let endLast = async () => {};
afterEach(() => endLast());

interface Options extends Partial<ServiceInstancesOptions> {
  /** Asks for the health of whoever listens on their port. @default they serve at once */
  watched?: boolean;
  /** Whether an instance ends before it serves. @default none does */
  fails?: (name: string) => boolean;
}

/** Services whose processes end when the test says so, or by force. */
function aService({ watched = false, fails = () => false, ...options }: Options = {}) {
  const lives = new Map<string, { program: Program; signals: string[]; end: (exit?: Partial<Exit>) => void }>();
  const events: StackEvent[] = [];
  const launch: Launch = async (program, { answers }) => {
    const exited = Promise.withResolvers<Exit>();
    const ended = new AbortController();
    const signals: string[] = [];
    const end = (exit: Partial<Exit> = { code: 0 }) => {
      ended.abort();
      exited.resolve({ code: null, signal: null, ...exit });
    };
    lives.set(program.name, { program, signals, end });
    if (fails(program.name)) end({ code: WRONG_CONFIGURATION });
    const kill = (signal: NodeJS.Signals) => {
      signals.push(signal);
      if (signal === "SIGKILL") end({ signal });
    };
    const serving = ended.signal.aborted
      ? Promise.reject(new StackError(`${program.name} ended`))
      : watched
        ? answers(ended.signal)
        : Promise.resolve();
    return { pid: lives.size, serving, exited: exited.promise, kill };
  };
  const instances = new ServiceInstances({
    ports: { payment: 1, product: 2, order: 3 },
    surroundings,
    logs: "",
    stopWithinMs: 60_000,
    before: async () => undefined,
    onEvent: (event) => events.push(event),
    onServing: () => undefined,
    launch,
    ...options,
  });
  // Those too that a failed test has left in the midst of their end.
  endLast = async () => {
    for (const { end } of lives.values()) end();
    await instances.stop(0);
  };
  const life = (name: string) => {
    const found = lives.get(name);
    if (found === undefined) throw new Error(`There is no ${name}`);
    return found;
  };
  return { instances, events, life };
}

const namesOf = (all: readonly { name: string }[]) => all.map(({ name }) => name);

describe("ServiceInstances", () => {
  test("gives no instance the name or the port of one that has not ended", async () => {
    const { instances, life } = aService();
    await instances.scale("order", 3);
    const ports = instances.of("order").map(({ port }) => port);
    const fewer = instances.scale("order", 1);
    await instances.scale("order", 2);
    expect(namesOf(instances.of("order"))).toEqual(["order", "order-3"]);
    expect(ports).not.toContain(instances.of("order")[1]?.port);
    expect(namesOf(instances.all())).toEqual(["order", "order-3", "order-1", "order-2"]);

    for (const name of ["order-1", "order-2"]) life(name).end();
    await fewer;
    expect(namesOf(instances.all())).toEqual(["order", "order-3"]);
    await instances.scale("order", 3);
    expect(namesOf(instances.of("order"))).toEqual(["order", "order-3", "order-1"]);
  });

  test("stops with those that are leaving, and tells them once", async () => {
    const { instances, life } = aService();
    await instances.scale("order", 2);
    const fewer = instances.scale("order", 1);
    await vi.waitFor(() => expect(life("order-1").signals).toContain("SIGTERM"));
    let stopped = false;
    const stopping = instances.stop(0).finally(() => {
      stopped = true;
    });
    await vi.waitFor(() => expect(life("order").signals).toContain("SIGKILL"));
    expect(stopped).toBe(false);
    expect(life("order-1").signals).toEqual(["SIGCONT", "SIGTERM"]);
    life("order-1").end();
    await Promise.all([stopping, fewer]);
    expect(namesOf(instances.all())).toEqual(["order"]);
  });

  test("forces one that leaves and does not end in time", async () => {
    const { instances, events } = aService({ stopWithinMs: 10 });
    await instances.scale("order", 2);
    await instances.scale("order", 1);
    expect(events.at(-1)).toMatchObject({ kind: "stopped", process: "order-1", how: "SIGKILL" });
  });

  test("forgets one that could not be started, and starts another one when asked again", async () => {
    const failing = new Set(["order-1"]);
    const { instances } = aService({ fails: (name) => failing.has(name) });
    await expect(instances.scale("order", 2)).rejects.toThrow("order-1 ended");
    expect(namesOf(instances.of("order"))).toEqual(["order"]);
    expect(namesOf(instances.all())).toEqual(["order"]);
    failing.clear();
    await instances.scale("order", 2);
    expect(namesOf(instances.of("order"))).toEqual(["order", "order-1"]);
    expect(instances.of("order")[1]?.process.pid).toBeDefined();
  });

  test("keeps the others when one has to leave that has not started yet", async () => {
    let needed = Promise.resolve();
    const { instances } = aService({ before: (stopping) => orAborted(needed, stopping) });
    await instances.scale("order", 1);
    needed = new Promise(() => undefined);
    const more = instances.scale("order", 2);
    const fewer = instances.scale("order", 1);
    await expect(more).rejects.toThrow("order-1 is being stopped");
    await fewer;
    expect(namesOf(instances.of("order"))).toEqual(["order"]);
  });

  test("starts none when all are being stopped, and stops those that were about to start", async () => {
    const { instances } = aService();
    await instances.scale("order", 1);
    const more = instances.scale("order", 3);
    const stopping = instances.stop(0);
    await expect(instances.scale("order", 4)).rejects.toThrow("being stopped");
    await expect(more).rejects.toThrow(/order-[12] is being stopped/);
    await stopping;
    expect(instances.all().map(({ process }) => process.pid)).toEqual([undefined, undefined, undefined]);
  });

  test("ends all at once, those too that are leaving or being stopped", async () => {
    const { instances, life } = aService();
    await instances.scale("order", 2);
    const fewer = instances.scale("order", 1);
    await vi.waitFor(() => expect(life("order-1").signals).toContain("SIGTERM"));
    const stopping = instances.stop(60_000);
    await vi.waitFor(() => expect(life("order").signals).toContain("SIGTERM"));
    instances.end();
    await Promise.all([stopping, fewer]);
    for (const name of ["order", "order-1"]) expect(life(name).signals).toContain("SIGKILL");
    await expect(instances.scale("order", 2)).rejects.toThrow("being stopped");
  });

  test.each([0, 1.5, -1])("refuses %d instances", async (count) => {
    await expect(aService().instances.scale("order", count)).rejects.toBeInstanceOf(StackError);
  });

  test("tells when the health of an instance cannot be watched any more, and begins anew with it", async () => {
    await using server = await aServer({});
    const port = Number(server.target.split(":")[1]);
    const ports = { payment: 1, product: 2, order: port };
    const told: boolean[] = [];
    const onServing = () => {
      told.push(...instances.of("order").map(({ serving }) => serving));
      if (told.length === 2) throw new Error("the records are wrong");
    };
    const { instances, events } = aService({ ports, onServing, watched: true });
    await instances.scale("order", 1);
    expect(instances.of("order")).toMatchObject([{ serving: true }]);
    server.health.set(false);
    await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ kind: "ended", how: "SIGKILL" })));
    expect(events).toContainEqual({
      kind: "progress",
      process: "order",
      message: "its health cannot be watched: the records are wrong",
    });
    expect(instances.of("order")).toMatchObject([{ serving: false }]);
    expect(told).toEqual([true, false, false]); // once more, for the one that was not heard
    server.health.set(true);
    await instances.of("order")[0]?.process.ready();
    expect(instances.of("order")).toMatchObject([{ serving: true }]);
  });

  test("lets nobody down who cannot tell that an instance is gone", async () => {
    await using server = await aServer({});
    const ports = { payment: 1, product: 2, order: Number(server.target.split(":")[1]) };
    const onServing = () => {
      if (instances.of("order").some(({ serving }) => !serving)) throw new Error("the records are wrong");
    };
    const { instances, events } = aService({ ports, onServing, watched: true });
    await instances.scale("order", 1);
    server.health.set(false);
    await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ kind: "ended", how: "SIGKILL" })));
    expect(events).toContainEqual({
      kind: "progress",
      process: "order",
      message: "cannot tell that it does not serve: the records are wrong",
    });
  });
});
