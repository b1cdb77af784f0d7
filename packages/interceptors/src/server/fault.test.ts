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

  const get = "/test.v1.Test/Get";
  const lists = "a list of /pkg.Service/Method or /pkg.Service/";
  test.each<[unknown, string]>([
    [null, "a fault must be an object, is null"],
    [1, "a fault must be an object, is 1"],
    [[], "a fault must be an object, is []"],
    [{ share: 1, method: [get], end: "drop" }, 'there is no option "method" of a fault'],
    [{ share: 1, delay: 100 }, 'there is no option "delay" of a fault'],
    [{ end: "drop" }, "share must be above 0 and at most 1, is undefined"],
    [{ share: 2, end: "drop" }, "share must be above 0 and at most 1, is 2"],
    [{ share: 0, end: "drop" }, "share must be above 0 and at most 1, is 0"],
    [{ share: -0.1, end: "drop" }, "share must be above 0 and at most 1, is -0.1"],
    [{ share: Number.NaN, end: "drop" }, "share must be above 0 and at most 1, is NaN"],
    [{ share: null, end: "drop" }, "share must be above 0 and at most 1, is null"],
    [{ share: "1", end: "drop" }, "share must be above 0 and at most 1, is '1'"],
    [{ share: 1, delayMs: -1 }, "delayMs must be a number, 0 or more, is -1"],
    [{ share: 1, delayMs: Infinity }, "delayMs must be a number, 0 or more, is Infinity"],
    [{ share: 1, delayMs: "1e3" }, "delayMs must be a number, 0 or more, is '1e3'"],
    [{ share: 1 }, "it must have a delayMs or an end"],
    [{ share: 1, end: "abort", delayMs: 10 }, "end must be \"drop\" or an object, is 'abort'"],
    [{ share: 1, end: null }, 'end must be "drop" or an object, is null'],
    [{ share: 1, end: { code: 14, txt: "x" } }, 'there is no option "txt" of end'],
    [{ share: 1, end: { code: "UNAVAILABLE" } }, "end.code must be 1 to 16, is 'UNAVAILABLE'"],
    [{ share: 1, end: { code: status.OK } }, "end.code must be 1 to 16, is 0"],
    [{ share: 1, end: { code: 99 } }, "end.code must be 1 to 16, is 99"],
    [{ share: 1, end: { code: 1.5 } }, "end.code must be 1 to 16, is 1.5"],
    [{ share: 1, end: { code: 14, text: 5 } }, "end.text must be a text, is 5"],
    [{ share: 1, end: "drop", methods: [] }, `methods must be ${lists}, is []`],
    [{ share: 1, end: "drop", methods: get }, `methods must be ${lists}, is '${get}'`],
    [{ share: 1, end: "drop", methods: ["test.v1.Test/Get"] }, `methods must be ${lists}, is 'test.v1.Test/Get'`],
    [{ share: 1, end: "drop", methods: [null] }, `methods must be ${lists}, is null`],
  ])("cannot be built with %j, allowed or not", (each, text) => {
    const build = () => fault({ allowed: false, enabled: () => true, faults: [each as Fault] });
    expect(build).toThrow(`Cannot build fault: ${text}`);
  });

  test("cannot be built with a fault that no call can come to", () => {
    const build = (...faults: Fault[]) => fault({ allowed: true, enabled: () => true, faults });
    const rest: Fault = { share: 1, end: "drop" };
    expect(() => build(rest, { share: 0.5, delayMs: 1 })).toThrow(
      "Cannot build fault: faults must be over with number 1",
    );
    expect(() => build({ share: 0.5, delayMs: 1 }, { ...rest, methods: [get] }, rest)).not.toThrow();
  });

  test.each<[unknown, string]>([
    [{ allowed: true, enabled: () => true, faults: null }, "faults must be a list, is null"],
    [{ allowed: true, enabled: () => true, fault: [] }, 'there is no option "fault" of fault'],
  ])("cannot be built with options %j", (options, text) => {
    expect(() => fault(options as never)).toThrow(`Cannot build fault: ${text}`);
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
