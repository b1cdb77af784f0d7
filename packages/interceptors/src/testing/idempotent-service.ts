// SPDX-License-Identifier: MIT
import { setImmediate as turn } from "node:timers/promises";
import { expect } from "vitest";
import type { Begun, Claim, ClaimRequest, IdempotencyStore, StoredAnswer } from "../idempotency-store.ts";
import { type IdempotencyEvent, type IdempotencyOptions, idempotency } from "../server/idempotency.ts";
import { ManualClock } from "./manual-clock.ts";
import { FakeServerCall, type ServerCallShape } from "./server-call.ts";

/** For tests only: what it holds ends with the process, and that is when a store is needed. */
export class StoreInMemory implements IdempotencyStore {
  readonly rows = new Map<
    string,
    { claim: ClaimRequest; leaseUntil: number; expires: number; answer?: StoredAnswer }
  >();
  readonly now: () => number;
  /** Steps that throw instead. */
  broken = new Set<"begin" | "finish" | "abandon">();
  /** Steps wait for it. */
  gate: Promise<void> = Promise.resolve();

  constructor(now: () => number) {
    this.now = now;
  }

  async begin(claim: ClaimRequest): Promise<Begun> {
    await this.#step("begin");
    const now = this.now();
    const row = this.rows.get(idOf(claim));
    const same = row?.claim.fingerprint.join() === claim.fingerprint.join();
    const lapsed = row !== undefined && row.leaseUntil <= now;
    const mine = row?.claim.token === claim.token || (claim.transactional && lapsed);
    if (row === undefined || row.expires <= now || (row.answer === undefined && same && mine)) {
      this.rows.set(idOf(claim), { claim, leaseUntil: now + claim.leaseMs, expires: now + claim.ttlMs });
      return { kind: "new" };
    }
    if (!same) return { kind: "mismatch" };
    if (row.answer !== undefined) return { kind: "replay", answer: row.answer };
    return lapsed ? { kind: "unknown" } : { kind: "in_progress", leaseLeftMs: row.leaseUntil - now };
  }

  async finish(claim: Claim, answer: StoredAnswer): Promise<boolean> {
    await this.#step("finish");
    const row = this.rows.get(idOf(claim));
    if (row === undefined || row.claim.token !== claim.token) return false;
    row.answer = answer;
    return true;
  }

  async abandon(claim: Claim): Promise<void> {
    await this.#step("abandon");
    const row = this.rows.get(idOf(claim));
    if (row?.claim.token === claim.token && row.answer === undefined) this.rows.delete(idOf(claim));
  }

  async #step(name: "begin" | "finish" | "abandon"): Promise<void> {
    await this.gate;
    if (this.broken.has(name)) throw new Error("The store is away");
  }
}

const idOf = ({ principal, method, key }: Claim): string => JSON.stringify([principal, method, key]);

/** An interceptor over a store in memory, and calls through it. */
export function aService(options: Partial<IdempotencyOptions> = {}) {
  const clock = new ManualClock();
  const store = new StoreInMemory(clock.now);
  const events: IdempotencyEvent[] = [];
  const interceptor = idempotency(
    {
      store,
      methods: () => ({
        idempotency: "UNKNOWN",
        key: "none",
        encodeRequest: (message) => Buffer.from(String(message)),
        decodeResponse: (bytes) => Buffer.from(bytes).toString(),
      }),
      principalOf: () => "alice",
      observe: (event) => void events.push(event),
      ...options,
    },
    { clock },
  );
  const open = (shape: ServerCallShape = {}) =>
    new FakeServerCall(interceptor, { metadata: { "idempotency-key": "key-1" }, ...shape });
  /** A call whose request has come in full. */
  const send = (shape: ServerCallShape = {}, request: unknown = "request") =>
    open(shape).start().receive(request).halfClose();
  return { clock, store, events, send, open, interceptor };
}

/** Until the store has answered, and what follows from it is done. */
export const settled = async () => {
  for (let step = 0; step < 5; step += 1) await turn();
};

/** Runs the handler to its end. */
export async function answered(
  call: FakeServerCall,
  end: (call: FakeServerCall) => void = (each) => void each.respond("done"),
) {
  await settled();
  expect(call.handler.halfClosed).toBe(true);
  end(call);
  await settled();
  return call;
}
