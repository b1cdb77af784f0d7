import { Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeDetails,
  detailsOf,
  ERROR_DOMAIN,
  fitText,
  isLocal,
  localStatus,
  STATUS_DETAILS_KEY,
  type StatusDetails,
  statusOf,
} from "./status.ts";

const everything: StatusDetails = {
  reason: "OUT_OF_STOCK",
  domain: "shop.example",
  metadata: { product_id: "prd_1", left: "0" },
  retryAfterMs: 1_250.5,
  violations: [{ field: "items[0].quantity", description: "must be greater than 0" }],
  quota: { subject: "customer:1", description: "100 calls per minute" },
  resource: { type: "shop.Product", name: "prd_1" },
  precondition: { type: "STOCK", subject: "prd_1" },
  requestId: "req-12345678",
  debug: "at checkout",
  localized: { locale: "de", message: "Ausverkauft" },
  help: { description: "What to do", url: "https://shop.example/stock" },
};

/** Code and text of the google.rpc.Status inside. */
function inner(metadata: Metadata): { code: number; text: string } {
  const bytes = metadata.get(STATUS_DETAILS_KEY)[0] as Buffer;
  const length = bytes[3] ?? 0;
  // Both of these are short: one byte each for tag, code, tag, length.
  return { code: bytes[1] ?? 0, text: bytes.subarray(4, 4 + length).toString() };
}

describe("statusOf() and detailsOf()", () => {
  test("E2: carry every kind of detail there and back", () => {
    expect(detailsOf(statusOf(status.FAILED_PRECONDITION, "Cannot sell", everything).metadata)).toEqual(everything);
  });

  test.each(Array.from({ length: 16 }, (_, index): status => index + 1))(
    "E2: the details have the same code and text as the status: %i",
    (code) => {
      const result = statusOf(code, "Cannot sell 😀", everything);
      expect(result).toMatchObject({ code, details: "Cannot sell 😀" });
      expect(inner(result.metadata)).toEqual({ code, text: "Cannot sell 😀" });
    },
  );

  test("E3: the text in the details is the mended one as well", () => {
    const result = statusOf(status.NOT_FOUND, `no ${"😀".slice(0, 1)}`, { reason: "NOT_THERE" });
    expect(inner(result.metadata).text).toBe(result.details);
  });

  test("E2: a reason needs no domain", () => {
    expect(detailsOf(statusOf(status.ABORTED, "", { reason: "X" }).metadata)?.domain).toBe(ERROR_DOMAIN);
  });

  test("E2: Help goes first when room is short, then LocalizedMessage, then DebugInfo", () => {
    const left = (bytes: number) => {
      const room = { ...everything, debug: "d".repeat(bytes), localized: { locale: "de", message: "m".repeat(1_000) } };
      const help = { description: "h".repeat(1_000), url: "" };
      const found = detailsOf(statusOf(status.INTERNAL, "", { ...room, help }).metadata);
      return [found?.debug && "debug", found?.localized && "localized", found?.help && "help"].filter(Boolean);
    };
    expect(left(1_000)).toEqual(["debug", "localized", "help"]);
    expect(left(2_600)).toEqual(["debug", "localized"]);
    expect(left(3_500)).toEqual(["debug"]);
    expect(left(4_800)).toEqual([]);
  });

  test("E2: the trailer block stays below 8 KiB whatever the details are, and ErrorInfo stays in", () => {
    const piece = fc.constantFrom("x", "%", "é", "😀", "\ud83d", "\u0000");
    const text = fc.tuple(piece, fc.oneof(fc.nat(20), fc.nat(6_000))).map(([each, times]) => each.repeat(times));
    const pair = fc.record({ type: text, subject: text, description: text, name: text, field: text });
    const given = fc.record({
      text,
      reason: text,
      metadata: fc.dictionary(text, text, { maxKeys: 20 }),
      violations: fc.array(pair, { maxLength: 40 }),
      pair,
      retryAfterMs: fc.double(),
    });
    fc.assert(
      fc.property(given, ({ text: message, reason, metadata, violations, pair: each, retryAfterMs }) => {
        const result = statusOf(status.INTERNAL, message, {
          reason: `R${reason}`,
          domain: reason,
          metadata,
          violations,
          retryAfterMs,
          requestId: message,
          quota: each,
          resource: each,
          precondition: each,
          debug: message,
          help: { description: message, url: message },
          localized: { locale: message, message },
        });
        const headers = Object.entries(result.metadata.toHttp2Headers());
        const trailers = headers.reduce((sum, [key, value]) => sum + key.length + 32 + String(value).length, 0);
        expect(trailers + encodeURI(result.details).length + 100).toBeLessThanOrEqual(8_192);
        expect(detailsOf(result.metadata)?.reason).toMatch(/^R/);
      }),
      { numRuns: 100 },
    );
  });

  test("E2: a time to come back that is no time is one all the same", () => {
    const back = (retryAfterMs: number) =>
      detailsOf(statusOf(status.UNAVAILABLE, "", { reason: "X", retryAfterMs }).metadata)?.retryAfterMs;
    expect([0, -5, Number.NaN, 0.25, 86_400_000].map(back)).toEqual([0, 0, 0, 0.25, 86_400_000]);
    expect(back(Infinity)).toBeGreaterThan(86_400_000);
  });
});

describe("fitText()", () => {
  test.each(["😀".slice(0, 1), "😀".slice(1), `a${"😀".slice(0, 1)}b`])("E3: sends no half of a character", (text) => {
    expect(() => encodeURI(text)).toThrow(URIError);
    expect(() => encodeURI(fitText(text))).not.toThrow();
  });

  test("E3: is at most 1 KiB as it is on the wire, well-formed, and the text itself where that fits", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 3_000, size: "max" }),
      fc
        .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 2_000, size: "max" })
        .map((units) => String.fromCharCode(...units)),
    );
    fc.assert(
      fc.property(text, (given) => {
        const fitting = fitText(given);
        expect(fitting.isWellFormed()).toBe(true);
        expect(encodeURI(fitting).length).toBeLessThanOrEqual(1_024);
        const fits = encodeURI(given.toWellFormed()).length <= 1_024;
        expect(fits ? fitting : given.toWellFormed()).toBe(given.toWellFormed());
      }),
      { numRuns: 300 },
    );
  });
});

describe("decodeDetails()", () => {
  test("never throws at bytes that are anything", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => decodeDetails(bytes)).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });

  test("never throws at details that have been cut or changed", () => {
    const whole = statusOf(status.INTERNAL, "x", everything).metadata.get(STATUS_DETAILS_KEY)[0] as Buffer;
    for (let at = 0; at < whole.length; at += 1) {
      decodeDetails(whole.subarray(0, at));
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      decodeDetails(changed);
    }
    expect(decodeDetails(whole)).toEqual(everything);
  });

  test("is undefined where there is nothing of ours", () => {
    expect(decodeDetails(new Uint8Array())).toBeUndefined();
    expect(detailsOf(undefined)).toBeUndefined();
    expect(detailsOf(new Metadata())).toBeUndefined();
  });
});

test("localStatus() is told apart from one that came over the wire", () => {
  const details = { reason: "CIRCUIT_OPEN" };
  expect(isLocal(localStatus(status.UNAVAILABLE, "", details))).toBe(true);
  expect(isLocal(statusOf(status.UNAVAILABLE, "", details))).toBe(false);
});
