// SPDX-License-Identifier: MIT
import { Client, credentials, InterceptingCall, type Interceptor, Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { detailsOf, isLocal, localStatus, statusOf } from "../status.ts";
import { FakeCall } from "../testing/client-call.ts";
import { aBudget, allowed, hosts, setUp } from "../testing/hedged-call.ts";
import { rawServer } from "../testing/raw-server.ts";
import { hedging } from "./hedging.ts";

const PREVIOUS = "grpc-previous-rpc-attempts";

const codes = (call: FakeCall) => call.statuses.map(({ code }) => code);
const cancelled = (call: FakeCall) => call.attempts.map((attempt) => attempt.cancelled);

describe("hedging(), which answer is the call's", () => {
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
});
