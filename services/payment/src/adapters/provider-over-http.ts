import type { Logger } from "@holdfast/process";
import type { Answer } from "../domain/answer.ts";
import type { RefundAttempt } from "../domain/give-back.ts";
import type { Scope } from "../domain/scope.ts";
import type { Attempt, EffectProvider } from "../domain/settle.ts";
import type { ChargeAttempt } from "../domain/take-payment.ts";
import { type HttpAnswer, readFound, readSent } from "./provider-answers.ts";

export interface ProviderOptions {
  /** Where the provider's HTTP API is, such as "http://127.0.0.1:50059". */
  url: string;
  log: Logger;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
}

/** Captures, under the transaction's id as key. Connections are kept open by Node's own HTTP client. */
export function capturesOverHttp(options: ProviderOptions): EffectProvider<ChargeAttempt> {
  return effectsOverHttp<ChargeAttempt>(options, "v1/captures", "captured", (attempt) => ({
    order_id: attempt.orderId,
    customer_id: attempt.customerId,
    amount_minor: String(attempt.amount.minorUnits),
    currency_code: attempt.amount.currencyCode,
    payment_method: attempt.paymentMethod,
  }));
}

/** Refunds, under the refund's id as key. */
export function refundsOverHttp(options: ProviderOptions): EffectProvider<RefundAttempt> {
  return effectsOverHttp<RefundAttempt>(options, "v1/refunds", "refunded", (attempt) => ({
    capture_id: attempt.captureId,
    amount_minor: String(attempt.amount.minorUnits),
    reason: attempt.reason,
  }));
}

function effectsOverHttp<A extends Attempt & Pick<ChargeAttempt, "amount">>(
  { url, log, now = Date.now }: ProviderOptions,
  path: string,
  wanted: "captured" | "refunded",
  bodyOf: (attempt: A) => Record<string, string>,
): EffectProvider<A> {
  const endpoint = new URL(path, url.endsWith("/") ? url : `${url}/`);

  async function ask(attempt: A, scope: Scope, request: { url: URL; init: RequestInit; read: Reader }) {
    const startedAt = now();
    const asked = { key: attempt.id, amount: attempt.amount };
    const answer = await exchange(request.url, request.init, scope, startedAt).then(
      (response) => request.read(response, asked, wanted),
      // Refused, reset, timed out: whether the provider has got the request is not known from here.
      (error: unknown): Answer => ({ kind: "unknown", why: describe(error) }),
    );
    if (answer.kind === "unknown") {
      const { method } = request.init;
      log.warn({ method, path, key: attempt.id, why: answer.why, elapsedMs: now() - startedAt }, "outcome unknown");
    }
    return answer;
  }

  return {
    send: (attempt, scope) => {
      const headers = { "content-type": "application/json", "idempotency-key": attempt.id };
      const init = { method: "POST", headers, body: JSON.stringify(bodyOf(attempt)) };
      return ask(attempt, scope, { url: endpoint, init, read: readSent });
    },
    find: (attempt, scope) => {
      const found = new URL(endpoint);
      found.searchParams.set("idempotency_key", attempt.id);
      return ask(attempt, scope, { url: found, init: { method: "GET" }, read: readFound });
    },
  };
}

type Reader = typeof readSent;

/** One request. A process that was frozen until after the deadline sends nothing any more: see PROVIDER_SETTLE_MS. */
async function exchange(url: URL, init: RequestInit, scope: Scope, now: number): Promise<HttpAnswer> {
  const leftMs = scope.deadline - now;
  if (leftMs <= 0) throw new DOMException("no time is left to ask in", "TimeoutError");
  // Not AbortSignal.any: what it makes of a signal that lives as long as the process is never given free.
  const ends = new AbortController();
  const stop = () => ends.abort(scope.signal.reason);
  const timer = setTimeout(() => ends.abort(new DOMException("no answer in time", "TimeoutError")), leftMs);
  scope.signal.addEventListener("abort", stop, { once: true });
  if (scope.signal.aborted) stop();
  try {
    const response = await fetch(url, { ...init, signal: ends.signal, redirect: "error" });
    const text = await response.text();
    return { status: response.status, body: parseJson(text) };
  } finally {
    clearTimeout(timer);
    scope.signal.removeEventListener("abort", stop);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // what is no JSON says nothing
  }
}

/** The error's own words; fetch puts the reason into the cause. They hold host and port, never what was sent. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
