import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Effect } from "@holdfast/payment-provider";
import { readEffects } from "@holdfast/payment-provider/read-effects";
import { startChild } from "./child.fixture.ts";

export interface TestProvider extends AsyncDisposable {
  readonly url: string;
  /** How it behaves towards the next `times` requests, or until further notice. */
  mode(mode: string, times?: number): Promise<void>;
  /** What its file says has happened: the oracle of these tests. */
  effects(): Promise<Effect[]>;
  /** Requests that may still have an effect. */
  inProgress(): Promise<number>;
}

/** The real provider simulator, as a process with a file of its own. */
export async function startProvider(env: Readonly<Record<string, string>> = {}): Promise<TestProvider> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-provider-"));
  const file = join(folder, "effects.jsonl");
  const child = await startChild(new URL("../../../payment-provider/src/main.ts", import.meta.url), {
    PROVIDER_LISTEN: "127.0.0.1:0",
    PROVIDER_FILE: file,
    ...env,
  });
  const url = `http://127.0.0.1:${child.port}`;
  return {
    url,
    async mode(mode, times) {
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ mode, times });
      const response = await fetch(`${url}/admin/mode`, { method: "PUT", headers, body });
      if (!response.ok) throw new Error(`Cannot set the mode: ${await response.text()}`);
    },
    async effects() {
      const effects: Effect[] = [];
      for await (const effect of readEffects(file)) effects.push(effect);
      return effects;
    },
    async inProgress() {
      const state = (await (await fetch(`${url}/admin/state`)).json()) as { in_progress: number };
      return state.in_progress;
    },
    async [Symbol.asyncDispose]() {
      await child.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
