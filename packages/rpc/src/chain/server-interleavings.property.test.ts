import { getEventListeners } from "node:events";
import type { RpcContext } from "@holdfast/interceptors/context";
import { rpcContext } from "@holdfast/interceptors/context";
import { context } from "@holdfast/interceptors/server/context";
import { deadline } from "@holdfast/interceptors/server/deadline";
import { drainGate } from "@holdfast/interceptors/server/drain";
import { guarded } from "@holdfast/interceptors/server/guard";
import { statusGuard } from "@holdfast/interceptors/server/status-guard";
import { type CallRecord, telemetry } from "@holdfast/interceptors/server/telemetry";
import { ManualClock } from "@holdfast/interceptors/testing/manual-clock";
import { FakeServerCall } from "@holdfast/interceptors/testing/server-call";
import { ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { expect, test } from "vitest";

/** What happens to a call, one after the other, in any order and as often as may be. */
const EVENTS = [
  "request arrives",
  "request ends",
  "handler sends",
  "handler succeeds",
  "handler fails",
  "handler throws",
  "interceptor throws",
  "interceptor rejects",
  "library refuses",
  "client cancels",
  "time passes",
  "deadline passes",
  "drain",
  "cut",
  "turn of the loop",
] as const;
type Happening = (typeof EVENTS)[number];

/** A chain around one call, and all that can be seen of it from outside. */
function aCall(streams: boolean, wireDeadline: number | undefined, inRows: boolean) {
  const clock = new ManualClock();
  const records: CallRecord[] = [];
  const log = (record: CallRecord) => void records.push(record);
  const port = { span: () => undefined, count: () => undefined, record: () => undefined, log };
  const gate = drainGate();
  let fault: "throw" | "reject" | undefined;
  const faulty: ServerInterceptor = (_, call) =>
    new ServerInterceptingCall(call, {
      sendMessage: (message, next) => {
        if (fault === "throw") throw new Error("boom");
        return fault === "reject" ? (Promise.reject(new Error("boom")) as unknown as undefined) : next(message);
      },
    });
  const outer = [context({}, { clock }), telemetry({ telemetry: port, methods: () => ({}) }, { clock })];
  const inner = [gate.interceptor, deadline({ unaryMaxMs: 200, streamMaxMs: 400 }, { clock })];
  const chain = [
    statusGuard({}, { clock }),
    ...guarded(inRows ? [outer, [...inner, faulty]] : [...outer, ...inner, faulty]),
  ];
  const shape = {
    responseStream: streams,
    ...(wireDeadline !== undefined && { deadline: clock.now() + wireDeadline }),
  };
  const fake = new FakeServerCall(chain, shape);
  const own: { context?: RpcContext | undefined } = {};
  fake.onHandlerMetadata = () => {
    own.context = rpcContext.get();
  };
  fake.onHandlerHalfClose = () => undefined;
  fake.start();

  const inContext = (work: () => unknown) => (own.context ? rpcContext.run(own.context, work) : work());
  const happen: Record<Happening, () => unknown> = {
    "request arrives": () => fake.receive("hello"),
    "request ends": () => fake.halfClose(),
    "handler sends": () => inContext(() => fake.call.sendMessage("part", () => undefined)),
    "handler succeeds": () => inContext(() => fake.respond()),
    "handler fails": () => inContext(() => fake.end(status.NOT_FOUND)),
    "handler throws": () => {
      fake.onHandlerHalfClose = () => {
        throw new Error("boom");
      };
      fake.halfClose();
    },
    "interceptor throws": () => (fault = "throw"),
    "interceptor rejects": () => (fault = "reject"),
    "library refuses": () => fake.base.sendStatus({ code: status.RESOURCE_EXHAUSTED, details: "too large" }),
    "client cancels": () => fake.cancel(),
    "time passes": () => clock.advance(40),
    "deadline passes": () => clock.advance(400),
    // Not to be waited for: it is over when the call is.
    drain: () => void gate.drain(),
    cut: () => gate.cut(),
    "turn of the loop": () => new Promise((resolve) => setImmediate(resolve)),
  };
  return { clock, records, gate, fake, own, happen };
}

test("E7, T4: whatever happens to a call in whatever order, it ends once, is logged once and leaves nothing", async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on("unhandledRejection", note);
  const order = fc.array(fc.constantFrom(...EVENTS), { maxLength: 12 });
  const wire = fc.option(fc.constantFrom(-5_000, 0, 30, 250), { nil: undefined });

  await fc.assert(
    fc.asyncProperty(order, fc.boolean(), wire, fc.boolean(), async (events, streams, wireDeadline, inRows) => {
      const { clock, records, gate, fake, own, happen } = aCall(streams, wireDeadline, inRows);
      let cancelled = false;
      for (const event of events) {
        cancelled ||= event === "client cancels" && fake.client.statuses.length === 0;
        await happen[event]();
      }
      // A rejection is dealt with in a later turn; then grpc-js tells of the end that it sees, and nobody may be left over.
      await happen["turn of the loop"]();
      if (fake.client.statuses.length === 0 && !cancelled) clock.advance(1_000);
      fake.cancel();

      expect(fake.client.statuses).toHaveLength(cancelled ? 0 : 1);
      expect(records).toHaveLength(1);
      const [sent] = fake.client.statuses;
      expect(records[0]?.code).toBe(cancelled ? "CANCELLED" : status[sent?.code ?? status.UNKNOWN]);
      expect(fake.cancels).toBe(1);
      expect(clock.pending).toBe(0);
      expect(gate.inFlight).toBe(0);
      const signal = own.context?.signal;
      expect(signal === undefined ? [] : getEventListeners(signal, "abort")).toEqual([]);
      // The handler knows of every end that is not its own.
      const itsOwn = records[0]?.code === "OK" || records[0]?.code === "NOT_FOUND";
      const tooLate = events.some((each) => each.startsWith("interceptor")) || signal === undefined;
      expect(tooLate || signal.aborted).toBe(tooLate || !itsOwn);
    }),
    { numRuns: 20_000 },
  );
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
}, 60_000);
