import { describe, expect, test } from "vitest";
import { startProvider } from "./provider.fixture.ts";

const unknown_outcome = { payment_method: "pm_card_unknown_outcome" };

describe("POST /v1/captures", () => {
  test("captures, and the file says so", async () => {
    await using provider = await startProvider();
    const answer = await provider.capture("k", { amount_minor: "9007199254740993" });
    expect(answer).toEqual({
      status: 200,
      body: {
        id: expect.stringMatching(/^cap_/),
        status: "captured",
        amount_minor: "9007199254740993",
        currency_code: "GBP",
        idempotency_key: "k",
        order_id: "ord_1",
      },
    });
    expect(await provider.file()).toMatchObject([
      { seq: 1, type: "capture", id: answer.body["id"], amount_minor: "9007199254740993", customer_id: "cus_1" },
    ]);
  });

  test.each([
    ["pm_card_declined", "card_declined"],
    ["pm_card_insufficient_funds", "insufficient_funds"],
  ])("declines %s with %s, and keeps to it", async (payment_method, decline_code) => {
    await using provider = await startProvider();
    const answer = await provider.capture("k", { payment_method });
    expect(answer).toMatchObject({ status: 200, body: { status: "declined", decline_code } });
    expect(await provider.capture("k", { payment_method })).toEqual(answer);
    expect(await provider.file()).toMatchObject([{ type: "decline", decline_code }]);
  });

  test("gives the stored answer to the same key and body, and 422 to another body", async () => {
    await using provider = await startProvider();
    const answer = await provider.capture("k");
    expect(await provider.capture("k")).toEqual(answer);
    expect(await provider.capture("k", { amount_minor: "1" })).toMatchObject({
      status: 422,
      body: { error: "idempotency_key_reused" },
    });
    expect(await provider.file()).toHaveLength(1);
  });

  test("carries out 50 requests at once with one key once, and answers all of them alike", async () => {
    await using provider = await startProvider();
    const slow = { payment_method: "pm_card_slow" };
    const answers = await Promise.all(Array.from({ length: 50 }, () => provider.capture("k", slow)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await provider.file()).toHaveLength(1);
  });

  test("charges for an unknown outcome, drops the first answer, gives it to a repeat", async () => {
    await using provider = await startProvider();
    await expect(provider.capture("k", unknown_outcome)).rejects.toThrow("fetch failed");
    expect(await provider.file()).toHaveLength(1);
    expect(await provider.capture("k", unknown_outcome)).toMatchObject({ status: 200, body: { status: "captured" } });
    expect(await provider.file()).toHaveLength(1);
  });

  test("charges a slow card at the end, also when the client has gone away, and shows that it is under way", async () => {
    await using provider = await startProvider({ slowMs: 300 });
    const client = new AbortController();
    const gone = fetch(`${provider.url}/v1/captures`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "k" },
      body: JSON.stringify({
        order_id: "ord_1",
        customer_id: "cus_1",
        amount_minor: "5",
        currency_code: "GBP",
        payment_method: "pm_card_slow",
      }),
      signal: client.signal,
    });
    const list = () => provider.call("GET", "/v1/captures?idempotency_key=k");
    await expect.poll(list, { interval: 5 }).toEqual({ status: 200, body: { data: [], in_progress: 1 } });
    client.abort();
    await expect(gone).rejects.toThrow("aborted");
    expect(await provider.file()).toEqual([]);
    await expect.poll(list).toMatchObject({ body: { data: [{ status: "captured" }], in_progress: 0 } });
  });
});

describe("POST /v1/refunds", () => {
  test("gives back up to what was captured, once per key", async () => {
    await using provider = await startProvider();
    const capture_id = (await provider.capture("k")).body["id"];
    const answer = await provider.refund("r1", { capture_id, amount_minor: "1000" });
    expect(answer).toEqual({
      status: 200,
      body: {
        id: expect.stringMatching(/^ref_/),
        status: "refunded",
        capture_id,
        amount_minor: "1000",
        currency_code: "GBP",
        reason: "returned",
        idempotency_key: "r1",
        order_id: "ord_1",
      },
    });
    expect(await provider.refund("r1", { capture_id, amount_minor: "1000" })).toEqual(answer);
    expect(await provider.refund("r2", { capture_id, amount_minor: "100" })).toEqual({
      status: 409,
      body: { error: "refund_exceeds_capture" },
    });
    expect(await provider.refund("r3", { capture_id, amount_minor: "99" })).toMatchObject({ status: 200 });
    expect(await provider.refund("r4", { capture_id: "cap_x", amount_minor: "1" })).toEqual({
      status: 404,
      body: { error: "capture_not_found" },
    });
  });

  test("never gives back more than was captured to 20 slow refunds at once", async () => {
    await using provider = await startProvider({ slowMs: 30 });
    const capture_id = (await provider.capture("k", { amount_minor: "1000" })).body["id"];
    await provider.call("PUT", "/admin/mode", { mode: "slow" });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => provider.refund(`r${i}`, { capture_id, amount_minor: "300" })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(17);
    expect(await provider.file()).toHaveLength(4);
  });
});

describe("GET /v1/captures and /v1/refunds", () => {
  test("list what happened with a key, each its own kind", async () => {
    await using provider = await startProvider();
    const capture = await provider.capture("k");
    const refund = await provider.refund("r", { capture_id: capture.body["id"], amount_minor: "1" });
    const list = async (path: string) => (await provider.call("GET", path)).body;
    expect(await list("/v1/captures?idempotency_key=k")).toEqual({ data: [capture.body], in_progress: 0 });
    expect(await list("/v1/refunds?idempotency_key=r")).toEqual({ data: [refund.body], in_progress: 0 });
    expect(await list("/v1/captures?idempotency_key=r")).toEqual({ data: [], in_progress: 0 });
  });

  test.each(["", "?idempotency_key=", "?idempotency_key=a%20b", "?key=k", `?idempotency_key=${"k".repeat(256)}`])(
    "refuse the query %s",
    async (query) => {
      await using provider = await startProvider();
      expect(await provider.call("GET", `/v1/captures${query}`)).toMatchObject({ status: 400 });
    },
  );
});

describe("PUT /admin/mode and /admin/profile", () => {
  test("drop_before_charge, for as many requests as told", async () => {
    await using provider = await startProvider();
    await provider.call("PUT", "/admin/mode", { mode: "drop_before_charge", times: 2 });
    await expect(provider.capture("k")).rejects.toThrow("fetch failed");
    await expect(provider.capture("k")).rejects.toThrow("fetch failed");
    expect(await provider.file()).toEqual([]);
    expect(await provider.capture("k")).toMatchObject({ status: 200 });
    expect(await provider.call("GET", "/admin/state")).toEqual({
      status: 200,
      body: { mode: "ok", times_left: null, honours_idempotency_keys: true, effects: 1, in_progress: 0 },
    });
  });

  test("charge_then_drop and error_500_after_charge: the money moved, a repeat finds it", async () => {
    await using provider = await startProvider();
    await provider.call("PUT", "/admin/mode", { mode: "charge_then_drop" });
    await expect(provider.capture("a")).rejects.toThrow("fetch failed");
    await provider.call("PUT", "/admin/mode", { mode: "error_500_after_charge" });
    expect(await provider.capture("b")).toEqual({ status: 500, body: { error: "internal" } });
    expect(await provider.file()).toHaveLength(2);
    expect(await provider.capture("a")).toMatchObject({ status: 200, body: { status: "captured" } });
    expect(await provider.capture("b")).toMatchObject({ status: 200, body: { status: "captured" } });
    expect(await provider.file()).toHaveLength(2);
  });

  test("decline", async () => {
    await using provider = await startProvider();
    await provider.call("PUT", "/admin/mode", { mode: "decline", times: 1 });
    expect(await provider.capture("a")).toMatchObject({ body: { status: "declined", decline_code: "card_declined" } });
    expect(await provider.capture("b")).toMatchObject({ body: { status: "captured" } });
  });

  test("a profile without idempotency keys charges every time, and lists every effect", async () => {
    await using provider = await startProvider();
    await provider.call("PUT", "/admin/profile", { honours_idempotency_keys: false });
    const answers = await Promise.all([provider.capture("k"), provider.capture("k"), provider.capture("k")]);
    expect(new Set(answers.map(({ body }) => body["id"])).size).toBe(3);
    const { body } = await provider.call("GET", "/v1/captures?idempotency_key=k");
    expect(body["data"]).toHaveLength(3);
  });

  test.each([
    ["/admin/mode", {}],
    ["/admin/mode", { mode: "broken" }],
    ["/admin/mode", { mode: "slow", times: 0 }],
    ["/admin/mode", { mode: "slow", times: 1.5 }],
    ["/admin/profile", { honours_idempotency_keys: "no" }],
    ["/admin/profile", { honours_idempotency_keys: true, more: 1 }],
  ])("refuse %s %o and change nothing", async (path, body) => {
    await using provider = await startProvider();
    expect(await provider.call("PUT", path, body)).toMatchObject({ status: 400 });
    const state = await provider.call("GET", "/admin/state");
    expect(state.body).toMatchObject({ mode: "ok", honours_idempotency_keys: true });
  });
});
