import { setTimeout as wait } from "node:timers/promises";
import { createLogger } from "@holdfast/process";
import { v7 as uuidv7 } from "uuid";
import { openEffectsFile } from "../adapters/effects-file.ts";
import type { Effect } from "../domain/effect.ts";
import { effectsIn, tempFile } from "../temp-file.fixture.ts";
import { behaviourSwitch } from "./behaviour-switch.ts";
import { inProgress } from "./in-progress.ts";
import { routes } from "./routes.ts";
import { serveHttp } from "./serve-http.ts";

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** The provider over real HTTP with a real file; `log` holds what it wrote at level warn and above. */
export async function startProvider({ slowMs = 100 }: { slowMs?: number } = {}) {
  const temp = await tempFile();
  const logged: string[] = [];
  const log = createLogger({ service: "test", level: "warn", destination: { write: (l) => void logged.push(l) } });
  const effects = await openEffectsFile({ path: temp.path, log, onBroken: (error) => log.fatal(error) });
  const api = routes({
    effects,
    behaviour: behaviourSwitch({ mode: "ok", timesLeft: undefined, honoursKeys: true }),
    inProgress: inProgress(),
    newId: uuidv7,
    slowMs,
    wait,
  });
  const server = await serveHttp(api, { listen: { host: "127.0.0.1", port: 0 }, log });
  const url = `http://127.0.0.1:${server.port}`;

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(url + path, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  return {
    url,
    port: server.port,
    logged,
    call,
    server,
    capture: (key: string, part: Record<string, unknown> = {}): Promise<Answer> =>
      call("POST", "/v1/captures", aCapture(part), { "idempotency-key": key }),
    refund: (key: string, body: Record<string, unknown>): Promise<Answer> =>
      call("POST", "/v1/refunds", { reason: "returned", ...body }, { "idempotency-key": key }),
    file: (): Promise<Effect[]> => effectsIn(temp.path),
    async [Symbol.asyncDispose]() {
      await server.close();
      await effects[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

export function aCapture(part: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    order_id: "ord_1",
    customer_id: "cus_1",
    amount_minor: "1099",
    currency_code: "GBP",
    payment_method: "pm_card_ok",
    ...part,
  };
}
