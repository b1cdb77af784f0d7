// SPDX-License-Identifier: MIT
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import {
  backoffMs,
  creditOf,
  decideRetry,
  type Failure,
  Median,
  Medians,
  parsePushback,
  policyOf,
  readFailure,
  type RetryOptions,
  spendCredit,
  withoutAttemptTimeout,
} from "./retry-core.ts";
import { newContext } from "./context.ts";
import { detailsOf, localStatus, statusOf } from "./status.ts";

const budget = { deposit() {}, withdraw: () => true, recordSuccess() {}, recordFailure() {} };
const CODES = Object.values(status).filter((code) => typeof code === "number");

function aPolicy(options: Partial<RetryOptions> = {}) {
  return policyOf({ methods: () => undefined, budget, ...options }, {});
}

/** The first attempt of an idempotent call, with a second left; half of the longest wait is drawn. */
function decide(failure: Partial<Failure> = {}, options: Partial<RetryOptions> = {}) {
  const known: Failure = {
    code: status.UNAVAILABLE,
    attempts: 1,
    backoffs: 0,
    idempotency: "IDEMPOTENT",
    keyed: false,
    sent: undefined,
    reason: undefined,
    pushback: undefined,
    retryAfterMs: undefined,
    leftMs: 1_000,
    slackMs: 50,
    medianMs: 0,
    credit: Infinity,
    ...failure,
  };
  return decideRetry(known, aPolicy(options), () => 0.5);
}

const again = (delayMs: number, exact = false) => ({ retry: true, delayMs, exact });
const stopped = (why: string, failure = true) => ({ retry: false, why, failure });

describe("decideRetry()", () => {
  test("R1: the maximum counts the first attempt", () => {
    expect(decide({ attempts: 2 }, { maxAttempts: 3 })).toMatchObject({ retry: true });
    expect(decide({ attempts: 3 }, { maxAttempts: 3 })).toEqual(stopped("max_attempts"));
    expect(decide({ attempts: 1 }, { maxAttempts: 1 })).toEqual(stopped("max_attempts"));
  });

  test.each<[boolean, Partial<Failure>]>([
    [true, { idempotency: "NO_SIDE_EFFECTS" }],
    [true, { idempotency: "IDEMPOTENT", sent: true }],
    [false, { idempotency: "UNKNOWN" }],
    [false, { idempotency: "UNKNOWN", sent: true }],
    // As proto-loader has it, from code without types.
    [false, { idempotency: "IDEMPOTENCY_UNKNOWN" as "UNKNOWN", sent: true }],
    [true, { idempotency: "UNKNOWN", keyed: true, sent: true }],
    [true, { idempotency: "UNKNOWN", sent: false }],
  ])("R2: safe to try again: %s for %o", (safe, failure) => {
    expect(decide(failure)).toEqual(safe ? again(25) : stopped("not_safe"));
  });

  describe("of codes", () => {
    const retried = (failure: Partial<Failure>, options: Partial<RetryOptions> = {}) =>
      CODES.filter((code) => code !== status.OK && decide({ ...failure, code }, options).retry).map(
        (code) => status[code],
      );

    test("R3: tries again UNAVAILABLE, and a DEADLINE_EXCEEDED of the attempt", () => {
      expect(retried({ idempotency: "NO_SIDE_EFFECTS" })).toEqual(["DEADLINE_EXCEEDED", "UNAVAILABLE"]);
    });

    test("R3: does not try a DEADLINE_EXCEEDED of the call again", () => {
      expect(retried({ leftMs: 50, pushback: 0 })).toEqual(["RESOURCE_EXHAUSTED", "UNAVAILABLE"]);
      expect(retried({ leftMs: 51, pushback: 0 })).toContain("DEADLINE_EXCEEDED");
    });

    test.each([[{ pushback: 0 }], [{ retryAfterMs: 5 }]])("R3: tries again RESOURCE_EXHAUSTED with %o", (failure) => {
      expect(retried(failure)).toEqual(["DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNAVAILABLE"]);
    });

    test("R3: tries again ABORTED if told so", () => {
      expect(retried({}, { retryAborted: true })).toEqual(["DEADLINE_EXCEEDED", "ABORTED", "UNAVAILABLE"]);
    });

    test("R3: tries again INTERNAL and UNKNOWN if told so, of NO_SIDE_EFFECTS methods", () => {
      const options = { retryInternal: true };
      expect(retried({ idempotency: "IDEMPOTENT" }, options)).toEqual(["DEADLINE_EXCEEDED", "UNAVAILABLE"]);
      expect(retried({ idempotency: "NO_SIDE_EFFECTS" }, options)).toEqual([
        "UNKNOWN",
        "DEADLINE_EXCEEDED",
        "INTERNAL",
        "UNAVAILABLE",
      ]);
    });
  });

  test.each([
    ["CIRCUIT_OPEN", false, false],
    ["CLIENT_CONCURRENCY_LIMIT", false, false],
    ["DEADLINE_TOO_SHORT", false, false],
    ["DEPENDENCY_UNAVAILABLE", false, true],
    // Of a circuit that a server has, to somebody else.
    ["CIRCUIT_OPEN", true, true],
    ["DEADLINE_TOO_SHORT", true, false],
  ])("R3: %s of an attempt that was sent: %s is tried again: %s", (reason, sent, retry) => {
    expect(decide({ reason, sent: sent || false, retryAfterMs: 1 }).retry).toBe(retry);
  });

  test("R8: the wait grows from retry to retry", () => {
    const options = { attemptsCap: 100, maxAttempts: 100, jitter: "full" as const };
    const delays = [0, 1, 2, 5, 9].map((backoffs) =>
      decide({ backoffs, attempts: backoffs + 1, leftMs: 1e6 }, options),
    );
    expect(delays).toEqual([25, 50, 100, 800, 1_000].map((delayMs) => again(delayMs)));
  });

  test("R9: stops when the wait is as long as the time left", () => {
    expect(decide({ leftMs: 25 })).toEqual(stopped("no_time"));
    expect(decide({ leftMs: 25.1 })).toEqual(again(25));
    expect(decide({ pushback: 1_000 })).toEqual(stopped("no_time"));
    expect(decide({ retryAfterMs: 1_000 })).toEqual(stopped("no_time"));
  });

  test("R9: stops when half of the attempts take longer than what the wait leaves", () => {
    expect(decide({ leftMs: 100, medianMs: 76 })).toEqual(stopped("no_time"));
    expect(decide({ leftMs: 100, medianMs: 75 })).toEqual(again(25));
    expect(decide({ leftMs: Infinity, medianMs: 1e9 })).toEqual(again(25));
  });

  test("R10: a pushback of 0 or more is the exact wait", () => {
    expect(decide({ pushback: 0 })).toEqual(again(0, true));
    expect(decide({ pushback: 333 })).toEqual(again(333, true));
  });

  test("R10: a negative pushback means no retry and counts as a failure, whatever the code is", () => {
    for (const code of CODES) expect(decide({ code, pushback: -1 })).toEqual(stopped("pushback"));
  });

  test("R11: RetryInfo makes the wait longer, never shorter; pushback wins over it", () => {
    expect(decide({ retryAfterMs: 300 })).toEqual(again(300));
    expect(decide({ retryAfterMs: 10 })).toEqual(again(25));
    expect(decide({ retryAfterMs: -10 })).toEqual(again(25));
    expect(decide({ retryAfterMs: 300, pushback: 7 })).toEqual(again(7, true));
  });

  test("R12: what is not tried again because of its code is no failure for the throttle; the rest is", () => {
    expect(decide({ code: status.NOT_FOUND })).toEqual(stopped("not_retryable", false));
    expect(decide({ idempotency: "UNKNOWN" })).toEqual(stopped("not_safe", true));
  });

  test("R14: stops when the incoming call allows no more", () => {
    expect(decide({ credit: 1 })).toMatchObject({ retry: true });
    expect(decide({ credit: 0 })).toEqual(stopped("credit"));
  });
});

describe("backoffMs()", () => {
  test("R8: full jitter is uniform between 1 ms and the longest wait, which doubles up to 2 s", () => {
    const policy = aPolicy();
    expect(backoffMs(1, policy, () => 0)).toBe(1);
    expect([1, 2, 3, 6, 7, 50].map((n) => backoffMs(n, policy, () => 1))).toEqual([50, 100, 200, 1_600, 2_000, 2_000]);
    let seed = 1;
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    const draws = Array.from({ length: 10_000 }, () => backoffMs(1, policy, random));
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...draws)).toBeLessThan(50);
    for (const decile of [5, 10, 15, 20, 25, 30, 35, 40, 45]) {
      expect(draws.filter((ms) => ms < decile).length / 10_000).toBeCloseTo(decile / 50, 1);
    }
  });

  test("R8: the jitter of gRFC A6 is ± 20 %", () => {
    const policy = aPolicy({ jitter: "plus-minus-20" });
    expect(backoffMs(1, policy, () => 0)).toBe(40);
    expect(backoffMs(2, policy, () => 0.5)).toBe(100);
    expect(backoffMs(1, policy, () => 1)).toBeCloseTo(60);
  });
});

describe("parsePushback()", () => {
  test.each([
    [["0"], 0],
    [["-0"], 0],
    [["100"], 100],
    [["9999999999"], 9_999_999_999],
    [["-1"], -1],
    [["-500"], -500],
    ...["", " 1", "1 ", "+1", "01", "00", "1.5", "1e3", "0x10", "abc", "1ms", "--1", "-", "99999999999", "١"].map(
      (text): [string[], number] => [[text], -1],
    ),
    [["1", "2"], -1],
    [[Buffer.from("1.0")], -1],
  ])("R10: reads %o as %d", (values, ms) => {
    expect(parsePushback(values)).toBe(ms);
  });

  test("R10: undefined without the header", () => {
    expect(parsePushback([])).toBeUndefined();
  });
});

describe("readFailure()", () => {
  test("R10, R11: reads pushback, RetryInfo and reason", () => {
    const result = statusOf(status.UNAVAILABLE, "", { reason: "OVERLOADED", retryAfterMs: 1_500 });
    result.metadata.set("grpc-retry-pushback-ms", "20");
    expect(readFailure(result, true)).toEqual({
      code: status.UNAVAILABLE,
      sent: true,
      reason: "OVERLOADED",
      pushback: 20,
      retryAfterMs: 1_500,
    });
  });

  test("R4: a local rejection was not sent, whatever is known of the attempt", () => {
    expect(readFailure(localStatus(status.UNAVAILABLE, "", { reason: "CIRCUIT_OPEN" }), undefined).sent).toBe(false);
    const other = { code: status.UNAVAILABLE, details: "not sent, I swear", metadata: new Metadata() };
    expect(readFailure(other, undefined).sent).toBeUndefined();
  });
});

describe("withoutAttemptTimeout()", () => {
  const bare = { code: status.DEADLINE_EXCEEDED, details: "Deadline exceeded after 0.1s", metadata: new Metadata() };

  test.each([[bare], [statusOf(status.DEADLINE_EXCEEDED, "", { reason: "DEADLINE_EXCEEDED" })]])(
    "R15: an attempt's timeout becomes UNAVAILABLE, ATTEMPT_TIMEOUT",
    (result) => {
      const own = withoutAttemptTimeout(result, "/a/B");
      expect(own.code).toBe(status.UNAVAILABLE);
      expect(detailsOf(own.metadata)).toMatchObject({ reason: "ATTEMPT_TIMEOUT", metadata: { method: "/a/B" } });
    },
  );

  test("R15: what a server has to say for itself stays as it is, and so do other codes", () => {
    const said = statusOf(status.DEADLINE_EXCEEDED, "", { reason: "PROVIDER_TOO_SLOW" });
    expect(withoutAttemptTimeout(said, "/a/B")).toBe(said);
    const other = { ...bare, code: status.CANCELLED };
    expect(withoutAttemptTimeout(other, "/a/B")).toBe(other);
  });
});

describe("Median", () => {
  test("R9: of the last 64, once there are eight", () => {
    const median = new Median();
    for (let ms = 1; ms <= 7; ms++) median.add(ms);
    expect(median.value).toBe(0);
    median.add(8);
    expect(median.value).toBe(5);
    for (let n = 0; n < 64; n++) median.add(100);
    expect(median.value).toBe(100);
  });

  test("is kept per method, of a bounded number of them", () => {
    const medians = new Medians();
    const first = medians.of("/first");
    expect(medians.of("/first")).toBe(first);
    for (let n = 0; n < 1_000; n++) medians.of(`/${n}`);
    expect(medians.of("/first")).not.toBe(first);
  });
});

describe("creditOf()", () => {
  test("R14: is the incoming call's, for all calls made on its behalf together; unlimited at the edge", () => {
    const known = { requestId: "12345678", trace: { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false } };
    const parent = newContext({ ...known, retryCredit: 2 });
    expect(creditOf(parent)).toBe(2);
    for (const left of [1, 0, 0]) {
      spendCredit(parent);
      expect(creditOf(parent)).toBe(left);
    }
    const edge = newContext(known);
    spendCredit(edge);
    expect(creditOf(edge)).toBe(Infinity);
    spendCredit(undefined);
    expect(creditOf(undefined)).toBe(Infinity);
  });
});
