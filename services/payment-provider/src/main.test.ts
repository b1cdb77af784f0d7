import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { aCapture } from "./http/provider.fixture.ts";
import { readEffects } from "./read-effects.ts";
import { tempFile } from "./temp-file.fixture.ts";

const program = new URL("./main.ts", import.meta.url).pathname;

/** Starts the program itself on a free port and waits until it is ready. It is killed when the test ends. */
async function start(path: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program], {
    env: { PROVIDER_LISTEN: "127.0.0.1:0", PROVIDER_FILE: path, EXIT_WITH_PARENT: "1", ...env },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  const ended = exited.then(([code]) => Promise.reject(new Error(`It ended with ${code} before it was ready`)));
  const [ready] = (await Promise.race([once(child, "message"), ended])) as [{ port: number }];
  return {
    child,
    exited,
    url: `http://127.0.0.1:${ready.port}`,
    [Symbol.asyncDispose]: () => end(child, exited),
  };
}

async function end(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill("SIGKILL");
  await exited;
}

async function capture(url: string, key: string, part = {}): Promise<string> {
  const response = await fetch(`${url}/v1/captures`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": key },
    body: JSON.stringify(aCapture({ order_id: key, ...part })),
  });
  const { id } = (await response.json()) as { id: string };
  return id;
}

async function idsByKey(path: string): Promise<Map<string, string[]>> {
  const ids = new Map<string, string[]>();
  for await (const { idempotency_key, id } of readEffects(path)) {
    ids.set(idempotency_key, [...(ids.get(idempotency_key) ?? []), id]);
  }
  return ids;
}

describe("the provider as a process", () => {
  test.each([1, 25, 50, 100, 175])(
    "killed after %i answers of 200 captures, has each answered one in its file once, also after all are repeated",
    async (answers) => {
      await using temp = await tempFile();
      const keys = Array.from({ length: 200 }, (_, i) => `k${i}`);
      const answered = new Map<string, string>();
      {
        await using provider = await start(temp.path);
        await Promise.all(
          keys.map(async (key) => {
            const id = await capture(provider.url, key).catch(() => undefined);
            if (id === undefined) return;
            answered.set(key, id);
            if (answered.size === answers) provider.child.kill("SIGKILL");
          }),
        );
        expect(await provider.exited).toEqual([null, "SIGKILL"]);
      }
      expect(answered.size).toBeGreaterThanOrEqual(answers);
      const afterKill = await idsByKey(temp.path);
      for (const [key, id] of answered) expect(afterKill.get(key)).toEqual([id]);

      await using again = await start(temp.path);
      const repeated = await Promise.all(keys.map(async (key) => [key, await capture(again.url, key)] as const));
      const afterRepeat = await idsByKey(temp.path);
      expect(afterRepeat.size).toBe(200);
      for (const [key, id] of repeated) expect(afterRepeat.get(key)).toEqual([id]);
      for (const [key, id] of answered) expect(afterRepeat.get(key)).toEqual([id]);
    },
  );

  test("finishes a slow capture on SIGTERM, then ends with 0", async () => {
    await using temp = await tempFile();
    await using provider = await start(temp.path, { SLOW_MS: "300" });
    const slow = capture(provider.url, "k", { payment_method: "pm_card_slow" });
    await expect
      .poll(async () => (await fetch(`${provider.url}/admin/state`)).json(), { interval: 5 })
      .toMatchObject({ in_progress: 1 });
    provider.child.kill("SIGTERM");
    const id = await slow;
    expect((await provider.exited)[0]).toBe(0);
    expect(await idsByKey(temp.path)).toEqual(new Map([["k", [id]]]));
  });

  test.each(["running", "frozen"])(
    "does not start beside a %s one on its file, and cuts nothing off; after its kill it does",
    async (state) => {
      await using temp = await tempFile();
      {
        await using first = await start(temp.path);
        const answered = await capture(first.url, "a");
        // What the first one is about to write: to another process it looks like a line that was torn.
        await appendFile(temp.path, '{"seq":2,');
        if (state === "frozen") first.child.kill("SIGSTOP");
        const second = start(temp.path).then((started) => started[Symbol.asyncDispose]());
        await expect(second).rejects.toThrow("ended with 1");
        expect(await readFile(temp.path, "utf8")).toMatch(/"a".*\n\{"seq":2,$/);
        expect(await idsByKey(temp.path)).toEqual(new Map([["a", [answered]]]));
      }
      await using again = await start(temp.path);
      await capture(again.url, "b");
      expect([...(await idsByKey(temp.path)).keys()]).toEqual(["a", "b"]);
    },
  );

  test("ends when its launcher goes away", async () => {
    await using temp = await tempFile();
    await using provider = await start(temp.path);
    provider.child.disconnect();
    expect((await provider.exited)[0]).toBe(0);
  });

  test("takes mode and profile from the environment", async () => {
    await using temp = await tempFile();
    await using provider = await start(temp.path, {
      PROVIDER_MODE: "decline",
      PROVIDER_IGNORE_IDEMPOTENCY_KEYS: "true",
    });
    const state: unknown = await (await fetch(`${provider.url}/admin/state`)).json();
    expect(state).toMatchObject({ mode: "decline", honours_idempotency_keys: false });
  });
});
