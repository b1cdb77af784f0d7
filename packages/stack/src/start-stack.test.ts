import { removeEmbeddedPostgres } from "@holdfast/storage/embedded";
import { describe, expect, test } from "vitest";
import { lockFolder } from "./lock-folder.ts";
import type { StackEvent } from "./stack-event.ts";
import { stackFolder } from "./stack-folder.ts";
import { startStack } from "./start-stack.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

const ANY_PORTS = { payment: 0, product: 0, order: 0, provider: 0, postgres: 0 };

describe("startStack()", () => {
  test("is told who has a new folder, even before that has written what runs where", async () => {
    await using temp = await tempFolder();
    await using _first = await lockFolder(stackFolder(temp.path));
    await expect(startStack({ folder: temp.path, ports: ANY_PORTS })).rejects.toMatchObject({
      name: "StackError",
      message: expect.stringContaining(`A stack runs already in "${temp.path}": process ${process.pid}`),
    });
  });

  test("gives up a database that is being made when it is told to", async () => {
    await using temp = await tempFolder();
    await using cleanUp = new AsyncDisposableStack();
    cleanUp.defer(() => removeEmbeddedPostgres(stackFolder(temp.path).postgres));
    const stopping = new AbortController();
    const events: StackEvent[] = [];
    const onEvent = (event: StackEvent) => {
      events.push(event);
      const isMaking = event.kind === "progress" && event.message.startsWith("creating the database cluster");
      if (isMaking) stopping.abort(new Error("asked to stop"));
    };
    const starting = startStack({ folder: temp.path, ports: ANY_PORTS, signal: stopping.signal, onEvent });
    await expect(starting).rejects.toThrow("asked to stop");
    expect(events).not.toContainEqual(expect.objectContaining({ kind: "started", process: "postgres" }));
  });
});
