import { describe, expect, test } from "vitest";
import { readFound, readSent } from "./provider-answers.ts";

const asked = { key: "txn_1", amount: { currencyCode: "GBP", minorUnits: 1_250n } };
const about = { idempotency_key: "txn_1", amount_minor: "1250", currency_code: "GBP", order_id: "ord_1" };
const capture = { id: "cap_1", status: "captured", ...about };
const decline = { id: "cap_9", status: "declined", decline_code: "insufficient_funds", ...about };
const refund = { id: "ref_1", status: "refunded", capture_id: "cap_1", reason: "", ...about };
const unknown = { kind: "unknown" };

describe("readSent()", () => {
  test.each([
    ["a capture", 200, capture, { kind: "done", effectIds: ["cap_1"] }],
    ["a decline", 200, decline, { kind: "refused", code: "insufficient_funds" }],
    ["a token that it does not know", 400, { error: "unknown_payment_method" }, { kind: "refused" }],
    ["another complaint", 400, { error: "invalid_request" }, unknown],
    ["a key reused", 422, { error: "idempotency_key_reused" }, unknown],
    ["a path that is not there", 404, { error: "not_found" }, unknown],
    ["too many requests", 429, { error: "unknown_payment_method" }, unknown],
    ["an error of its own", 500, { error: "internal" }, unknown],
    ["a capture under an error", 503, capture, unknown],
    ["nothing that is JSON", 200, undefined, unknown],
    ["another status of its own", 200, { ...capture, status: "authorised" }, unknown],
    ["a capture without an id", 200, { ...capture, id: "" }, unknown],
    ["an amount as a number", 200, { ...capture, amount_minor: 1_250 }, unknown],
    ["another amount", 200, { ...capture, amount_minor: "1251" }, unknown],
    ["another currency", 200, { ...capture, currency_code: "EUR" }, unknown],
    ["another key's capture", 200, { ...capture, idempotency_key: "txn_2" }, unknown],
    ["a refund", 200, refund, unknown],
  ])("of a capture: %s", (_, status, body, answer) => {
    expect(readSent({ status, body }, asked, "captured")).toMatchObject(answer);
  });

  test.each([
    ["a refund", 200, refund, { kind: "done", effectIds: ["ref_1"] }],
    ["nothing is left", 409, { error: "refund_exceeds_capture" }, { kind: "refused" }],
    ["a capture that it does not know", 404, { error: "capture_not_found" }, unknown],
    ["a capture", 200, capture, unknown],
  ])("of a refund: %s", (_, status, body, answer) => {
    expect(readSent({ status, body }, asked, "refunded")).toMatchObject(answer);
  });
});

describe("readFound()", () => {
  const second = { ...capture, id: "cap_2" };

  test.each([
    ["nothing", 200, { data: [], in_progress: 0 }, { kind: "none" }],
    ["nothing yet", 200, { data: [], in_progress: 1 }, unknown],
    ["a capture", 200, { data: [capture], in_progress: 0 }, { kind: "done", effectIds: ["cap_1"] }],
    ["two captures", 200, { data: [capture, second], in_progress: 0 }, { kind: "done", effectIds: ["cap_1", "cap_2"] }],
    ["a decline", 200, { data: [decline], in_progress: 0 }, { kind: "refused", code: "insufficient_funds" }],
    ["a decline, then a capture", 200, { data: [decline, capture], in_progress: 0 }, { kind: "done" }],
    ["a list that does not say what is under way", 200, { data: [] }, unknown],
    ["no list", 200, {}, unknown],
    ["an error", 500, { data: [], in_progress: 0 }, unknown],
  ])("%s", (_, status, body, answer) => {
    expect(readFound({ status, body }, asked, "captured")).toMatchObject(answer);
  });
});
