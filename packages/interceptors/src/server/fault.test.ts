import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newContext, rpcContext } from "../context.ts";
import { detailsOf } from "../status.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { FakeServerCall } from "../testing/server-call.ts";
import { draw, type Fault, type FaultOptions, fault } from "./fault.ts";

const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: true };

/** A call that has started, with such a fault on. */
function aCall(faults: readonly Fault[], options: Partial<FaultOptions> = {}) {
  const clock = new ManualClock();
  const on = { allowed: true, enabled: () => true, faults };
  const fake = new FakeServerCall(fault({ ...on, ...options }, { clock, random: () => 0.5 }));
  const seen: (string | undefined)[] = [];
  fake.onHandlerMetadata = () => void seen.push(rpcContext.get()?.requestId);
  const context = newContext({ requestId: "req-12345678", trace });
  rpcContext.run(context, () => fake.start());
  return { clock, context, fake, seen };
}

describe("fault()", () => {
  test("fails calls with FAULT_INJECTED, and the handler does not run", () => {
    const { fake } = aCall([{ share: 1, end: { code: status.ABORTED } }]);
    expect(fake.status.code).toBe(status.ABORTED);
    expect(detailsOf(fake.status.metadata)?.reason).toBe("FAULT_INJECTED");
    expect(fake.handler.metadata).toBeUndefined();
  });

  test("makes calls late, and the handler runs in their context then", () => {
    const { clock, fake, seen } = aCall([{ share: 1, delayMs: 100 }]);
    clock.advance(99);
    expect(fake.handler.metadata).toBeUndefined();
    clock.advance(1);
    expect(seen).toEqual(["req-12345678"]);
    fake.respond();
    expect(fake.status.code).toBe(status.OK);
    expect(clock.pending).toBe(0);
  });

  test("leaves calls without an answer", () => {
    const { clock, fake } = aCall([{ share: 1, end: "drop" }]);
    fake.receive("hello").halfClose();
    clock.advance(1_000_000);
    expect(fake.handler.metadata).toBeUndefined();
    expect(fake.client.statuses).toEqual([]);
  });

  test("fails late where both are asked for", () => {
    const { clock, fake } = aCall([{ share: 1, delayMs: 100, end: { code: status.UNAVAILABLE, text: "away" } }]);
    expect(fake.client.statuses).toEqual([]);
    clock.advance(100);
    expect(fake.status).toMatchObject({ code: status.UNAVAILABLE, details: "away" });
  });

  test("leaves no timer when the caller goes away", () => {
    const { clock, fake } = aCall([{ share: 1, delayMs: 100 }]);
    fake.cancel();
    expect(clock.pending).toBe(0);
  });

  test("does not run the handler of a call that has ended while it waited", () => {
    const { clock, context, fake } = aCall([{ share: 1, delayMs: 100 }]);
    context.cancel(new DOMException("The deadline passed", "TimeoutError"));
    clock.advance(100);
    expect(fake.handler.metadata).toBeUndefined();
  });

  test.each([{ allowed: false }, { enabled: () => false }])("does nothing with %o", (options) => {
    const { fake } = aCall([{ share: 1, end: "drop" }], options);
    expect(fake.call).toBe(fake.base);
    expect(fake.handler.metadata).toBeDefined();
  });

  test("is switched while the server runs", () => {
    let on = false;
    const interceptor = fault({ allowed: true, enabled: () => on, faults: [{ share: 1, end: "drop" }] });
    expect(new FakeServerCall(interceptor).start().handler.metadata).toBeDefined();
    on = true;
    expect(new FakeServerCall(interceptor).start().handler.metadata).toBeUndefined();
  });

  const wrong: Fault[] = [
    { share: 2, end: "drop" },
    { share: -0.1, end: "drop" },
    { share: Number.NaN, end: "drop" },
    { share: 1, delayMs: -1 },
    { share: 1, delayMs: Infinity },
    { share: 1, end: { code: status.OK } },
    { share: 1, end: { code: Number("99") } },
    { share: 1 },
    { share: 1, end: "drop", methods: ["test.v1.Test/Get"] },
  ];
  test.each(wrong.map((each) => [each]))("cannot be built with %o, allowed or not", (each) => {
    expect(() => fault({ allowed: false, enabled: () => true, faults: [each] })).toThrow(/Cannot build fault/);
  });
});

describe("draw()", () => {
  const drop = (methods: readonly string[], share = 1): Fault => ({ methods, share, end: "drop" });

  test("goes by method, by service, or takes all", () => {
    const random = () => 0;
    expect(draw([drop(["/a.A/Get"])], "/a.A/Get", random)).toBeDefined();
    expect(draw([drop(["/a.A/Get"])], "/a.A/GetAll", random)).toBeUndefined();
    expect(draw([drop(["/a.A/"])], "/a.A/GetAll", random)).toBeDefined();
    expect(draw([drop(["/a.A/"])], "/a.AB/Get", random)).toBeUndefined();
    expect(draw([{ share: 1, end: "drop" }], "/x.Y/Z", random)).toBeDefined();
  });

  test("gives each fault its share of the calls, and 0 none", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (share, drawn) => {
          expect(draw([drop(["/a.A/"], share)], "/a.A/Get", () => drawn) !== undefined).toBe(drawn < share);
        },
      ),
    );
  });
});
