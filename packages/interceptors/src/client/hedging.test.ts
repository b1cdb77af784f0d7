// SPDX-License-Identifier: MIT
import { AsyncLocalStorage } from "node:async_hooks";
import {
  Client,
  credentials,
  InterceptingCall,
  type Interceptor,
  type InterceptorOptions,
  Metadata,
  type NextCall,
  status,
} from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newContext, rpcContext } from "../context.ts";
import { detailsOf, isLocal, localStatus, statusOf } from "../status.ts";
import { type CallShape, type FakeAttempt, FakeCall } from "../testing/client-call.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { rawServer } from "../testing/raw-server.ts";
import { hedging, type HedgingEvent, type HedgingOptions } from "./hedging.ts";

const PREVIOUS = "grpc-previous-rpc-attempts";
const allowed = { hedge: true, idempotency: "NO_SIDE_EFFECTS" } as const;

/** A budget that counts, with as many tokens as it is given. */
function aBudget(tokens = Infinity) {
  return {
    tokens,
    deposits: 0,
    previous: [] as number[],
    successes: 0,
    failures: 0,
    deposit(): void {
      this.deposits += 1;
    },
    withdraw(previousAttempts: number): boolean {
      this.previous.push(previousAttempts);
      return --this.tokens >= 0;
    },
    recordSuccess(): void {
      this.successes += 1;
    },
    recordFailure(): void {
      this.failures += 1;
    },
  };
}

/** Hosts that the attempts of a call can go to, and how often the call was ended. */
function hosts(count: number) {
  const seen = { marked: 0, ended: 0 };
  const begin = () => {
    let tried = 0;
    return {
      mark: (metadata: Metadata) => {
        tried += 1;
        seen.marked += 1;
        metadata.set("host", String(tried));
        return { peer: `10.0.0.${tried}:50051` };
      },
      hasUntried: () => tried < count,
      end: () => void (seen.ended += 1),
    };
  };
  return { begin, seen };
}

function setUp(options: Partial<HedgingOptions> = {}) {
  const clock = new ManualClock();
  const events: HedgingEvent[] = [];
  const budget = aBudget();
  const interceptor = hedging(
    { methods: () => allowed, budget, observe: (event) => void events.push(event), delayMs: 100, ...options },
    { clock },
  );
  return {
    clock,
    events,
    budget,
    interceptor,
    open: (shape: CallShape = {}) => new FakeCall(interceptor, shape).start(),
    /** One call that is answered after so long. */
    call(ms: number): void {
      const { attempt } = this.open();
      clock.advance(ms);
      attempt.succeed();
    },
  };
}

const codes = (call: FakeCall) => call.statuses.map(({ code }) => code);
const cancelled = (call: FakeCall) => call.attempts.map((attempt) => attempt.cancelled);

describe("hedging()", () => {
  test("H1: hedges what has hedge and is NO_SIDE_EFFECTS or IDEMPOTENT, and passes all else through", () => {
    for (const idempotency of ["NO_SIDE_EFFECTS", "IDEMPOTENT", "UNKNOWN", undefined] as const) {
      for (const hedge of [true, false, undefined]) {
        const { open, clock } = setUp({ methods: () => ({ idempotency, hedge }) });
        const call = open();
        clock.advance(1_000);
        const isHedged = hedge === true && (idempotency === "NO_SIDE_EFFECTS" || idempotency === "IDEMPOTENT");
        expect(call.attempts).toHaveLength(isHedged ? 2 : 1);
        call.attempt.succeed();
        expect(codes(call)).toEqual([status.OK]);
      }
    }
    const unknown = setUp({ methods: () => undefined });
    const call = unknown.open();
    unknown.clock.advance(1_000);
    expect(call.attempts).toHaveLength(1);
  });

  test.each([{ requestStream: true }, { responseStream: true }, { requestStream: true, responseStream: true }])(
    "H1: a stream goes through as it is: %j",
    (shape) => {
      const { open, clock } = setUp();
      const call = open(shape);
      clock.advance(1_000);
      call.call.startRead();
      call.attempt.succeed("a");
      expect(call.attempts).toHaveLength(1);
      expect(call.messages).toEqual(["a"]);
      expect(codes(call)).toEqual([status.OK]);
    },
  );

  test("H1: an attempt that a retry has made is not hedged, and keeps its number", () => {
    const { open, clock } = setUp();
    const call = open({ metadata: { [PREVIOUS]: "1" } });
    clock.advance(1_000);
    expect(call.attempts).toHaveLength(1);
    expect(call.attempt.header(PREVIOUS)).toBe("1");
    call.attempt.end(status.UNAVAILABLE);
    expect(codes(call)).toEqual([status.UNAVAILABLE]);
  });

  test("H2: a second attempt after the configured delay, with the message and its number", () => {
    const { open, clock, events } = setUp({ maxAttempts: 3 });
    const call = open({ metadata: { a: "b" } });
    expect(call.attempt.header(PREVIOUS)).toBeUndefined();
    clock.advance(99);
    expect(call.attempts).toHaveLength(1);
    clock.advance(1);
    expect(call.attempts).toHaveLength(2);
    clock.advance(100);
    expect(call.attempts).toHaveLength(3);
    clock.advance(10_000);
    expect(call.attempts).toHaveLength(3);
    expect(call.attempts.map((attempt) => [attempt.header(PREVIOUS), attempt.header("a")])).toEqual([
      [undefined, "b"],
      ["1", "b"],
      ["2", "b"],
    ]);
    for (const attempt of call.attempts) expect(attempt).toMatchObject({ messages: ["request"], halfClosed: true });
    expect(events.map(({ kind, attempt }) => [kind, attempt])).toEqual([
      ["hedge", 2],
      ["hedge", 3],
    ]);
  });

  test("H2: waits for the 95th percentile of the method when that is longer", () => {
    const kit = setUp({ delayMs: 10, maxAttempts: 2 });
    for (let i = 0; i < 100; i++) kit.call(i < 90 ? 5 : 300);
    const call = kit.open();
    kit.clock.advance(299);
    expect(call.attempts).toHaveLength(1);
    kit.clock.advance(1);
    expect(call.attempts).toHaveLength(2);
    const other = kit.open({ path: "/other" });
    kit.clock.advance(10);
    expect(other.attempts).toHaveLength(2);
  });

  test("H2: each hedge withdraws; with nothing left the original goes on alone", () => {
    const budget = aBudget(1);
    const { open, clock, events } = setUp({ budget, maxAttempts: 4 });
    const call = open();
    clock.advance(10_000);
    expect(call.attempts).toHaveLength(2);
    expect(budget.previous).toEqual([0, 0]);
    expect(events.at(-1)).toMatchObject({ kind: "none", why: "budget" });
    call.attempts[0]?.succeed();
    expect(codes(call)).toEqual([status.OK]);
    expect(budget).toMatchObject({ deposits: 1, successes: 1 });
  });

  test("H2: a repeated incoming call is told to the budget, and one without retry credit is not hedged", () => {
    const trace = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false };
    const { open, clock, budget, events } = setUp({ maxAttempts: 3 });
    const context = newContext({ requestId: "r", trace, previousAttempts: 2, retryCredit: 1 });
    const call = rpcContext.run(context, () => open());
    clock.advance(10_000);
    expect(call.attempts).toHaveLength(2);
    expect(budget.previous).toEqual([2]);
    expect(events.at(-1)).toMatchObject({ kind: "none", why: "credit" });
  });

  test("H3: does not hedge without a host that the call has not tried", () => {
    const attempts = hosts(2);
    const { open, clock, events, budget } = setUp({ attempts, maxAttempts: 5 });
    const call = open();
    clock.advance(10_000);
    expect(call.attempts.map((attempt) => attempt.header("host"))).toEqual(["1", "2"]);
    expect(events.at(-1)).toMatchObject({ kind: "none", why: "host" });
    expect(budget.previous).toHaveLength(1);
    call.attempt.succeed();
    expect(attempts.seen).toEqual({ marked: 2, ended: 1 });
  });

  test("H4: the first OK wins, and the others are cancelled with CANCELLED in the same turn", () => {
    const { open, clock, events } = setUp({ maxAttempts: 3 });
    const call = open();
    clock.advance(200);
    call.attempts[0]?.sendHeaders({ from: "0" });
    call.attempts[1]?.sendHeaders({ from: "1" });
    call.attempts[1]?.sendMessage("answer");
    expect(call.headers).toHaveLength(0);
    call.attempts[1]?.end(status.OK);
    expect(cancelled(call)).toEqual([status.CANCELLED, undefined, status.CANCELLED]);
    expect(call.headers.map((headers) => headers.get("from"))).toEqual([["1"]]);
    expect(call.messages).toEqual(["answer"]);
    expect(codes(call)).toEqual([status.OK]);
    expect(events.at(-1)).toMatchObject({ kind: "won", attempt: 2 });
    expect(clock.pending).toBe(0);
  });

  test("H4: the first fatal status wins", () => {
    const { open, clock } = setUp();
    const call = open();
    clock.advance(100);
    call.attempts[1]?.end(status.NOT_FOUND);
    expect(codes(call)).toEqual([status.NOT_FOUND]);
    expect(call.messages).toEqual([null]);
    expect(cancelled(call)).toEqual([status.CANCELLED, undefined]);
  });

  test("H4: after a status that is not fatal the next attempt starts at once; the last one's is the call's", () => {
    const { open, clock, budget } = setUp({ maxAttempts: 3 });
    const call = open();
    call.attempt.end(status.UNAVAILABLE);
    expect(call.attempts).toHaveLength(2);
    clock.advance(99);
    expect(call.attempts).toHaveLength(2);
    clock.advance(1);
    expect(call.attempts).toHaveLength(3);
    call.attempts[1]?.end(status.UNAVAILABLE);
    expect(call.statuses).toHaveLength(0);
    call.attempts[2]?.end(status.UNAVAILABLE, {}, "the last");
    expect(call.statuses).toMatchObject([{ code: status.UNAVAILABLE, details: "the last" }]);
    expect(budget.failures).toBe(3);
    expect(clock.pending).toBe(0);
  });

  test("H4: a refusal in this process stops hedges, but not the attempt that is out", () => {
    const { open, clock, budget } = setUp({ maxAttempts: 4 });
    const call = open();
    clock.advance(100);
    call.attempts[1]?.endWith(localStatus(status.RESOURCE_EXHAUSTED, "Cannot", { reason: "CLIENT_CONCURRENCY_LIMIT" }));
    clock.advance(10_000);
    expect(call.attempts).toHaveLength(2);
    expect(call.statuses).toHaveLength(0);
    call.attempts[0]?.end(status.UNAVAILABLE, {}, "from the server");
    expect(call.statuses).toMatchObject([{ details: "from the server" }]);
    expect(budget.failures).toBe(1);
  });

  test("H4: what a server said is worth more than a later refusal in this process", () => {
    const { open } = setUp();
    const call = open();
    call.attempts[0]?.end(status.UNAVAILABLE, {}, "from the server");
    call.attempts[1]?.endWith(localStatus(status.UNAVAILABLE, "Cannot", { reason: "CIRCUIT_OPEN" }));
    expect(call.statuses).toMatchObject([{ details: "from the server" }]);
  });

  test("H4: what a loser says after all counts for nothing", () => {
    const { interceptor, clock, budget } = setUp();
    const deaf: Interceptor = (options, nextCall) =>
      new InterceptingCall(nextCall(options), { cancel: () => undefined });
    const call = new FakeCall([interceptor, deaf]).start();
    clock.advance(100);
    call.attempts[1]?.succeed("first");
    call.attempts[0]?.succeed("second");
    expect(call.messages).toEqual(["first"]);
    expect(budget.successes).toBe(1);
  });

  test("H4: what loses is cancelled with CANCELLED at its server, seen on the wire", async () => {
    const losers = new Set<string>();
    const { promise: allCancelled, resolve } = Promise.withResolvers<void>();
    await using server = await rawServer({
      Get: (call) => {
        const previous = call.metadata.get(PREVIOUS)[0];
        call.on("cancelled", () => {
          if (previous !== "2") losers.add(String(previous));
          if (losers.size === 2) resolve();
        });
        call.on("data", () => {
          if (previous !== "2") return;
          call.write(Buffer.from("third"));
          call.end();
        });
      },
    });
    const interceptors = [hedging({ methods: () => allowed, budget: aBudget(), delayMs: 20, maxAttempts: 3 })];
    const client = new Client(server.target, credentials.createInsecure(), { interceptors });
    const asIs = (bytes: Buffer) => bytes;
    const answer = await new Promise<string>((done, fail) => {
      client.makeUnaryRequest("/test.v1.Test/Get", asIs, asIs, Buffer.from("x"), (error, value) =>
        error ? fail(error) : done(String(value)),
      );
    });
    expect(answer).toBe("third");
    await allCancelled;
    expect([...losers].toSorted()).toEqual(["1", "undefined"]);
    client.close();
  });

  const bare = { code: status.DEADLINE_EXCEEDED, details: "Deadline exceeded after 0.2s", metadata: new Metadata() };

  test.each([
    ["an attempt's own timer", bare],
    ["its server, which has the same one", statusOf(bare.code, "too late", { reason: "DEADLINE_EXCEEDED" })],
  ])("R15: attempts that all ran out of their own time, says %s, end the call with ATTEMPT_TIMEOUT", (_, result) => {
    const { open, clock } = setUp();
    const call = open({ deadline: clock.now() + 5_000 });
    clock.advance(200);
    for (const attempt of call.attempts) attempt.endWith(result);
    expect(call.attempts).toHaveLength(2);
    expect(codes(call)).toEqual([status.UNAVAILABLE]);
    expect(detailsOf(call.statuses[0]?.metadata)).toMatchObject({ reason: "ATTEMPT_TIMEOUT" });
  });

  test("R15: where the call's time is up, or the server has a reason of its own, the status stays as it is", () => {
    const { open, clock } = setUp();
    const late = open({ deadline: clock.now() + 1_000 });
    clock.advance(960);
    for (const attempt of late.attempts) attempt.endWith(bare);
    const { code, details } = bare;
    expect(late.statuses).toMatchObject([{ code, details }]);
    expect(detailsOf(late.status?.metadata)).toBeUndefined();
    const told = open({ deadline: clock.now() + 5_000 });
    const own = statusOf(bare.code, "", { reason: "PROVIDER_TOO_SLOW" });
    clock.advance(200);
    for (const attempt of told.attempts) attempt.endWith(own);
    expect(told.statuses).toMatchObject([{ code: own.code, details: own.details }]);
    expect(detailsOf(told.status?.metadata)?.reason).toBe("PROVIDER_TOO_SLOW");
  });

  test("R16: the final status has every attempt that failed, with its host, and the number of those before in its metadata", () => {
    const { open, clock } = setUp({ attempts: hosts(3), maxAttempts: 3 });
    const call = open();
    clock.advance(100);
    call.attempts[1]?.end(status.UNAVAILABLE);
    clock.advance(7);
    call.attempts[2]?.end(status.UNAVAILABLE);
    call.attempts[0]?.end(status.NOT_FOUND, { own: "kept" });
    expect(call.status).toMatchObject({
      code: status.NOT_FOUND,
      attempts: [
        { peer: "10.0.0.2:50051", code: status.UNAVAILABLE, ms: 0 },
        { peer: "10.0.0.3:50051", code: status.UNAVAILABLE, ms: 7 },
        { peer: "10.0.0.1:50051", code: status.NOT_FOUND, ms: 107 },
      ],
    });
    expect(call.status?.metadata.getMap()).toEqual({ own: "kept", [PREVIOUS]: "2" });
  });

  test("R16: a success tells which attempt was cancelled for it; a success at once says nothing", () => {
    const { open, clock } = setUp({ attempts: hosts(2) });
    const call = open();
    clock.advance(130);
    call.attempts[1]?.succeed();
    const slow = { peer: "10.0.0.1:50051", code: status.CANCELLED, ms: 130 };
    expect(call.status).toMatchObject({ code: status.OK, attempts: [slow] });
    expect(call.status?.metadata.getMap()).toEqual({ [PREVIOUS]: "1" });
    const smooth = open();
    smooth.attempt.succeed();
    expect(smooth.status).not.toHaveProperty("attempts");
    expect(smooth.status?.metadata.getMap()).toEqual({});
  });

  test("R16: a refusal in this process stays one, and a host that is not known has the name of its connection", () => {
    const { open } = setUp();
    const call = open();
    call.attempt.endWith(localStatus(status.UNAVAILABLE, "", { reason: "CIRCUIT_OPEN" }));
    expect(call.status && isLocal(call.status)).toBe(true);
    expect(call.status).toMatchObject({ attempts: [{ peer: "127.0.0.1:1", code: status.UNAVAILABLE, ms: 0 }] });
    expect(call.status?.metadata.get(PREVIOUS)).toEqual([]);
  });

  test.each<[object, string]>([
    [{ maxAttempts: 2.5 }, "maxAttempts must be a whole number, is 2.5"],
    [{ maxAttempts: 1 }, "maxAttempts must be 2 to 5, is 1"],
    [{ maxAttempts: 6 }, "maxAttempts must be 2 to 5, is 6"],
    [{ delayMs: 0 }, "delayMs must be 1 to 60000, is 0"],
    [{ delayMs: Number.NaN }, "delayMs must be 1 to 60000, is NaN"],
    [{ nonFatal: [status.OK] }, "nonFatal must be errors, has OK"],
    [{ nonFatal: [status.UNAVAILABLE, 17] }, "nonFatal must be errors, has 17"],
    [{ nonFatal: [] }, "nonFatal must have a code, is empty"],
    [{ delay: 50 }, 'there is no option "delay"'],
  ])("refuses %j", (options, text) => {
    expect(() => setUp(options)).toThrow(`Cannot build hedging: ${text}`);
  });

  test("H5: pushback of so many ms delays the next hedge by exactly that, below zero there is none", () => {
    for (const [pushback, delayMs] of [
      ["500", 500],
      ["-1", Infinity],
      ["garbage", Infinity],
    ] as const) {
      const { open, clock } = setUp({ maxAttempts: 3 });
      const call = open();
      clock.advance(100);
      call.attempts[1]?.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": pushback });
      clock.advance(499);
      expect(call.attempts).toHaveLength(2);
      clock.advance(1);
      expect(call.attempts).toHaveLength(delayMs === 500 ? 3 : 2);
      clock.advance(10_000);
      call.attempts[0]?.succeed();
      expect(codes(call)).toEqual([status.OK]);
      expect(clock.pending).toBe(0);
    }
  });

  test("H5: one host's pushback holds for the failures of others too", () => {
    const { open, clock } = setUp({ maxAttempts: 3 });
    const call = open();
    clock.advance(100);
    call.attempts[1]?.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": "500" });
    clock.advance(200);
    call.attempts[0]?.end(status.UNAVAILABLE);
    clock.advance(299);
    expect(call.attempts).toHaveLength(2);
    clock.advance(1);
    expect(call.attempts).toHaveLength(3);
  });

  test("H5: a pushback beyond the deadline ends the call with what the server said", () => {
    const { open, clock } = setUp();
    const call = open({ deadline: clock.now() + 400 });
    call.attempt.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": "400" });
    expect(codes(call)).toEqual([status.UNAVAILABLE]);
    expect(clock.pending).toBe(0);
  });

  test("nothing is started after the deadline", () => {
    const { open, clock } = setUp();
    const call = open({ deadline: clock.now() + 100 });
    clock.advance(100);
    call.attempt.end(status.DEADLINE_EXCEEDED);
    expect(call.attempts).toHaveLength(1);
    expect(codes(call)).toEqual([status.DEADLINE_EXCEEDED]);
  });

  test("a call that is cancelled cancels all attempts, and starts none", async () => {
    const { open, clock } = setUp({ maxAttempts: 3 });
    const call = open();
    clock.advance(100);
    call.cancel();
    call.cancel();
    expect(cancelled(call)).toEqual([status.CANCELLED, status.CANCELLED]);
    await Promise.resolve();
    expect(codes(call)).toEqual([status.CANCELLED]);
    clock.advance(10_000);
    expect(call.attempts).toHaveLength(2);
    const waiting = open();
    waiting.attempt.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": "50" });
    waiting.cancel();
    await Promise.resolve();
    expect(codes(waiting)).toEqual([status.CANCELLED]);
    expect(clock.pending).toBe(0);
  });

  test("a hedge starts in its caller's context", () => {
    const storage = new AsyncLocalStorage<string>();
    const { open, clock } = setUp();
    const seen: (string | undefined)[] = [];
    storage.run("caller", () => open({ answer: () => void seen.push(storage.getStore()) }));
    storage.run("somebody else", () => clock.advance(100));
    expect(seen).toEqual(["caller", "caller"]);
  });

  test("a throw from further in is the caller's at first, and later only the end of hedging", () => {
    const { interceptor, clock, events } = setUp();
    let made = 0;
    const broken = (from: number) => (options: InterceptorOptions, nextCall: NextCall) => {
      if (++made >= from) throw new Error("broken");
      return nextCall(options) as ReturnType<typeof interceptor>;
    };
    expect(() => new FakeCall([interceptor, broken(1)]).start()).toThrow("broken");
    expect(clock.pending).toBe(0);
    made = 0;
    const call = new FakeCall([interceptor, broken(2)]).start();
    clock.advance(100);
    expect(events.at(-1)).toMatchObject({ kind: "none", why: "threw" });
    call.attempt.succeed();
    expect(codes(call)).toEqual([status.OK]);
  });

  test("10,000 random interleavings: one status, no timer, every attempt ended or cancelled, tokens add up", async () => {
    const step = fc.tuple(
      fc.constantFrom("ok", "fatal", "unavailable", "pushback", "stop", "local", "cancel", "time", "headers"),
      fc.nat(200),
    );
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 15 }),
      fc.record({
        maxAttempts: fc.integer({ min: 2, max: 5 }),
        tokens: fc.nat(5),
        throwsAt: fc.nat(8),
        hostCount: fc.integer({ min: 1, max: 5 }),
      }),
      async (steps, { maxAttempts, tokens, throwsAt, hostCount }) => {
        const clock = new ManualClock();
        const [budget, attempts] = [aBudget(tokens), hosts(hostCount)];
        const interceptor = hedging({ methods: () => allowed, budget, attempts, maxAttempts, delayMs: 100 }, { clock });
        let made = 0;
        const broken = (options: InterceptorOptions, nextCall: NextCall) => {
          if (++made === throwsAt + 2) throw new Error("broken");
          return nextCall(options) as ReturnType<typeof interceptor>;
        };
        const call = new FakeCall([interceptor, broken], { deadline: clock.now() + 1_500 }).start();
        const ended = new Set<FakeAttempt>();
        const isOut = (attempt: FakeAttempt) => !ended.has(attempt) && attempt.cancelled === undefined;
        const act = (attempt: FakeAttempt, kind: string, ms: number) => {
          if (kind !== "headers") ended.add(attempt);
          if (kind === "ok") attempt.succeed();
          else if (kind === "headers") attempt.sendHeaders();
          else if (kind === "fatal") attempt.end(status.INVALID_ARGUMENT);
          else if (kind === "local") attempt.endWith(localStatus(status.UNAVAILABLE, "x", { reason: "CIRCUIT_OPEN" }));
          else if (kind === "pushback") attempt.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": String(ms) });
          else if (kind === "stop") attempt.end(status.UNAVAILABLE, { "grpc-retry-pushback-ms": "-1" });
          else attempt.end(status.UNAVAILABLE);
        };
        for (const [kind, n] of steps) {
          const out = call.attempts.filter(isOut);
          const target = out[n % Math.max(1, out.length)];
          if (kind === "time") clock.advance(n);
          else if (kind === "cancel" && n % 4 === 0) call.cancel();
          else if (target) act(target, kind, n);
        }
        // Whoever is left runs into the deadline, as grpc-js would have it.
        clock.advance(2_000);
        for (const attempt of call.attempts.filter(isOut)) {
          ended.add(attempt);
          attempt.end(status.DEADLINE_EXCEEDED);
        }
        await Promise.resolve();
        expect(call.statuses).toHaveLength(1);
        expect(call.messages).toHaveLength(1);
        expect(clock.pending).toBe(0);
        expect(call.attempts.filter(isOut)).toHaveLength(0);
        expect(call.attempts.length).toBeLessThanOrEqual(Math.min(maxAttempts, tokens + 1, hostCount));
        expect(attempts.seen.ended).toBe(1);
        expect(budget.deposits).toBe(1);
      },
    );
    await fc.assert(property, { numRuns: 10_000 });
  }, 60_000);
});
