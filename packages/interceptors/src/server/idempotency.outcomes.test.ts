// SPDX-License-Identifier: MIT
import { type StatusObject, status } from "@grpc/grpc-js";
import { describe, expect, test, vi } from "vitest";
import { outcomeOf } from "../idempotency-answers.ts";
import type { Claim } from "../idempotency-store.ts";
import { detailsOf } from "../status.ts";
import { answered, aService, settled } from "../testing/idempotent-service.ts";
import { currentClaim } from "./idempotency.ts";

const PATH = "/test.v1.Test/Get";

const reasonOf = (result: StatusObject) => detailsOf(result.metadata)?.reason;

describe("idempotency(), how calls end", () => {
  test("K7: keeps OK and errors of the handler, frees the key where nothing was done, and leaves the rest open", () => {
    const stored = [status.OK, status.UNKNOWN, status.NOT_FOUND, status.ALREADY_EXISTS, status.FAILED_PRECONDITION];
    stored.push(status.OUT_OF_RANGE, status.UNIMPLEMENTED, status.INTERNAL, status.DATA_LOSS);
    const freed = [status.INVALID_ARGUMENT, status.UNAUTHENTICATED, status.PERMISSION_DENIED, status.ABORTED];
    freed.push(status.RESOURCE_EXHAUSTED);
    const open = [status.CANCELLED, status.DEADLINE_EXCEEDED, status.UNAVAILABLE];
    expect(stored.map((code) => outcomeOf(code))).toEqual(stored.map(() => "store"));
    expect(freed.map((code) => outcomeOf(code))).toEqual(freed.map(() => "abandon"));
    expect(open.map((code) => outcomeOf(code))).toEqual(open.map(() => "keep_open"));
    expect(stored.length + freed.length + open.length).toBe(17);
    expect(outcomeOf(status.UNAVAILABLE, [status.UNAVAILABLE])).toBe("abandon");
  });

  test("K7: repeats an error of the handler", async () => {
    const { send } = aService();
    await answered(send(), (call) => call.end(status.FAILED_PRECONDITION, "declined", { reason: "CARD" }));
    const again = send();
    await settled();
    expect(again.status).toMatchObject({ code: status.FAILED_PRECONDITION, details: "declined" });
    expect(again.status.metadata.get("reason")).toEqual(["CARD"]);
    expect(again.client.messages).toEqual([]);
  });

  test("K7: a refused call runs when it comes again; of one that was cut the outcome is unknown", async () => {
    const { clock, store, send } = aService();
    await answered(send(), (call) => call.end(status.INVALID_ARGUMENT));
    expect(store.rows.size).toBe(0);
    await answered(send(), (call) => call.end(status.DEADLINE_EXCEEDED));
    const soon = send();
    await settled();
    expect(reasonOf(soon.status)).toBe("IDEMPOTENCY_KEY_IN_USE");
    clock.advance(60_001);
    const late = send();
    await settled();
    expect(reasonOf(late.status)).toBe("OUTCOME_UNKNOWN");
  });

  test("E7: an observer that throws changes nothing: not the answer, not what is kept, and the process lives on", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockReturnValue(undefined);
    const told: string[] = [];
    const { store, send } = aService({
      observe: ({ kind }) => {
        told.push(kind);
        throw new Error("boom");
      },
    });
    expect((await answered(send())).status.code).toBe(status.OK);
    const again = send();
    await settled();
    expect(again.client.messages).toEqual(["done"]);
    const freed = send({ metadata: { "idempotency-key": "other" } });
    await answered(freed, (call) => call.end(status.INVALID_ARGUMENT));
    expect(freed.status.code).toBe(status.INVALID_ARGUMENT);
    store.broken.add("begin");
    const refused = send({ metadata: { "idempotency-key": "third" } });
    await settled();
    expect(refused.status.code).toBe(status.UNAVAILABLE);
    expect(told).toEqual(["new", "stored", "replay", "new", "abandoned", "store_failed", "abandoned"]);
    expect(warned).toHaveBeenCalledTimes(told.length);
    warned.mockRestore();
  });

  test("K7: an answer is kept even if its caller is gone, and nothing is sent to nobody", async () => {
    const { send } = aService();
    const call = send();
    await settled();
    call.cancel();
    await answered(call);
    expect(call.client).toEqual({ metadata: [], messages: [], statuses: [] });
    const again = send();
    await settled();
    expect(again.client.messages).toEqual(["done"]);
  });

  test("K7: a caller that goes away before the handler runs leaves no claim", async () => {
    const { store, send } = aService();
    const call = send();
    call.cancel();
    await settled();
    expect(call.handler.halfClosed).toBe(false);
    expect(store.rows.size).toBe(0);
  });

  test("K8: an interrupted call is in progress until its lease ends; then its outcome is unknown", async () => {
    const { clock, send } = aService({ leaseMs: 10_000, retryAfterMs: 60_000 });
    send();
    await settled();
    clock.advance(9_000);
    const early = send();
    await settled();
    expect(detailsOf(early.status.metadata)).toMatchObject({ reason: "IDEMPOTENCY_KEY_IN_USE", retryAfterMs: 1_000 });
    clock.advance(1_001);
    const late = send();
    await settled();
    expect(late.status.code).toBe(status.FAILED_PRECONDITION);
    expect(reasonOf(late.status)).toBe("OUTCOME_UNKNOWN");
    expect(late.handler.halfClosed).toBe(false);
  });

  test("K8: a transactional call runs again after the lease, and only the last one's answer counts", async () => {
    const { clock, send } = aService({ transactional: [PATH] });
    const first = send();
    await settled();
    clock.advance(60_001);
    const second = send();
    await settled();
    await answered(first, (call) => call.respond("late"));
    expect(reasonOf(first.status)).toBe("IDEMPOTENCY_KEY_IN_USE");
    expect(first.client.messages).toEqual([]);
    await answered(second);
    const third = send();
    await settled();
    expect(third.client.messages).toEqual(["done"]);
  });

  test("K8: the handler has its claim at hand, to confirm it in its transaction", async () => {
    const { store, open } = aService();
    const call = open();
    let seen: Claim | undefined;
    call.onHandlerHalfClose = () => (seen = currentClaim());
    call.start().receive("request").halfClose();
    await settled();
    const [row] = store.rows.values();
    expect(seen).toMatchObject({ principal: "alice", method: PATH, key: "key-1", token: row?.claim.token });
    expect(currentClaim()).toBeUndefined();
  });

  test("K10: of a response that is too large it keeps that there was one, and says to read the result", async () => {
    const { store, send } = aService({ maxResponseBytes: 10 });
    const first = await answered(send(), (call) => call.respond("x".repeat(11)));
    expect(first.client.messages).toEqual(["x".repeat(11)]);
    expect([...store.rows.values()][0]?.answer).toMatchObject({ code: status.OK, response: undefined });
    const again = send();
    await settled();
    expect(again.status.code).toBe(status.FAILED_PRECONDITION);
    expect(detailsOf(again.status.metadata)).toMatchObject({
      reason: "RESPONSE_NOT_KEPT",
      metadata: { outcome: "OK", reread: "true" },
    });
    expect(again.handler.halfClosed).toBe(false);
    expect(
      (await answered(send({ metadata: { "idempotency-key": "b" } }), (call) => call.respond("x".repeat(10)))).status
        .code,
    ).toBe(status.OK);
    expect([...store.rows.values()][1]?.answer?.response).toHaveLength(10);
  });

  test("does not do the work while the store is away", async () => {
    const { store, send, events } = aService();
    store.broken.add("begin").add("abandon");
    const call = send();
    await settled();
    expect(call.handler.halfClosed).toBe(false);
    expect(call.status.code).toBe(status.UNAVAILABLE);
    expect(reasonOf(call.status)).toBe("DEPENDENCY_UNAVAILABLE");
    expect(events.map(({ kind }) => kind)).toEqual(["store_failed", "store_failed"]);
  });

  test("gives the caller its answer where it cannot be stored, and lets nobody do the work again", async () => {
    const { store, send, clock, events } = aService();
    store.broken.add("finish");
    const call = await answered(send());
    expect(call.client.messages).toEqual(["done"]);
    expect(events.at(-1)?.kind).toBe("not_stored");
    clock.advance(60_001);
    const again = send();
    await settled();
    expect(reasonOf(again.status)).toBe("OUTCOME_UNKNOWN");
  });

  test("answers INTERNAL, once, where the request cannot be compared or the response has no bytes", async () => {
    const uncomparable = aService({ methods: () => ({ idempotency: "UNKNOWN", key: "none" }) }).send();
    await settled();
    expect(uncomparable.client.statuses.map(({ code }) => code)).toEqual([status.INTERNAL]);
    const { send } = aService();
    const call = await answered(send(), (each) =>
      each.respond({
        toString: () => {
          throw new Error("no bytes");
        },
      }),
    );
    expect(call.client.statuses.map(({ code }) => code)).toEqual([status.INTERNAL]);
    const again = send();
    await settled();
    expect(again.status.code).toBe(status.INTERNAL);
    expect(again.handler.halfClosed).toBe(false);
  });
});
