import { Metadata, ServerInterceptingCall, type ServerInterceptor, type StatusObject, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newContext, rpcContext, unseenStatus } from "../context.ts";
import { asCall, PassingCall } from "../passing-call.ts";
import { detailsOf } from "../status.ts";
import { type RawHandler, rawClient, rawServer } from "../testing/raw-server.ts";
import { FakeServerCall } from "../testing/server-call.ts";
import { guard, guarded, type GuardEvent } from "./guard.ts";

type Failing = () => never;
const boom = new Error("boom");
const throws: Failing = () => {
  throw boom;
};
const rejects = (async () => {
  await Promise.resolve();
  throw boom;
}) as unknown as Failing;

/** An interceptor with one method that fails. */
const failingIn: Record<string, (fail: Failing) => ServerInterceptor> = {
  start: (start) => (_, call) => new ServerInterceptingCall(call, { start }),
  onReceiveMetadata: (onReceiveMetadata) => listening({ onReceiveMetadata }),
  onReceiveMessage: (onReceiveMessage) => listening({ onReceiveMessage }),
  onReceiveHalfClose: (onReceiveHalfClose) => listening({ onReceiveHalfClose }),
  sendMetadata: (sendMetadata) => (_, call) => new ServerInterceptingCall(call, { sendMetadata }),
  sendMessage: (sendMessage) => (_, call) => new ServerInterceptingCall(call, { sendMessage }),
  sendStatus: (sendStatus) => (_, call) => new ServerInterceptingCall(call, { sendStatus }),
};

function listening(listener: Parameters<Parameters<NonNullable<ResponderStart>>[0]>[0]): ServerInterceptor {
  return (_, call) => new ServerInterceptingCall(call, { start: (next) => next(listener) });
}
type ResponderStart = NonNullable<ConstructorParameters<typeof ServerInterceptingCall>[1]>["start"];

/** Calls a server that echoes, through the interceptor, and waits for the status. */
async function call(interceptor: ServerInterceptor): Promise<StatusObject> {
  const echo: RawHandler = (stream) => {
    stream.on("data", (message: Buffer) => stream.write(message)).on("end", () => stream.end());
  };
  await using server = await rawServer({ Echo: echo }, { interceptors: [interceptor] });
  using client = rawClient(server.target);
  const stream = client.open("Echo", new Metadata(), { deadline: Date.now() + 5_000 });
  const { promise, resolve } = Promise.withResolvers<StatusObject>();
  stream
    .on("status", resolve)
    .on("error", () => "in the status too")
    .resume();
  stream.end(Buffer.from("hello"));
  return await promise;
}

describe("guard()", () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  beforeEach(() => {
    unhandled.length = 0;
    process.on("unhandledRejection", note);
  });
  afterEach(() => {
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  const cases = Object.keys(failingIn).flatMap((where) => [
    [where, "throws", throws] as const,
    [where, "rejects", rejects] as const,
  ]);
  test.each(cases)("E7: gives the client INTERNAL when %s %s", async (where, _, fail) => {
    const events: GuardEvent[] = [];
    const interceptor = failingIn[where]?.(fail) as ServerInterceptor;
    const result = await call(guard(interceptor, { observe: (event) => events.push(event) }));
    expect(result).toMatchObject({ code: status.INTERNAL, details: "Internal error" });
    expect(detailsOf(result.metadata)?.reason).toBe("INTERNAL");
    // What goes out next may fail in the same way.
    expect(events.length).toBeGreaterThan(0);
    expect(events[0]).toEqual({ type: "threw", path: "/test.v1.Test/Echo", error: boom });
  });

  test("E7: gives the client INTERNAL when the start of a PassingCall throws", async () => {
    class Unable extends PassingCall {
      override start(): void {
        throws();
      }
    }
    const result = await call(guard((_, made) => asCall(new Unable(made))));
    expect(result).toMatchObject({ code: status.INTERNAL });
  });

  test("E7: a rejection ends the call, even if the one that is told of the end throws", async () => {
    class Deaf extends PassingCall {
      override onCancel(): void {
        throws();
      }
    }
    const rejecting = failingIn["onReceiveMessage"]?.(rejects) as ServerInterceptor;
    const deaf: ServerInterceptor = (_, made) => asCall(new Deaf(made));
    const events: GuardEvent[] = [];
    const [interceptor = rejecting] = guarded([[deaf, rejecting]], { observe: (event) => events.push(event) });
    const result = await call(interceptor);
    expect(result).toMatchObject({ code: status.INTERNAL });
    expect(events.map(({ error }) => error)).toContain(boom);
  });

  test("E7: gives the client INTERNAL when the interceptor cannot be made", async () => {
    expect(await call(guard(throws))).toMatchObject({ code: status.INTERNAL });
  });

  test.each([
    ["throws", throws],
    ["rejects", rejects],
  ])("E7: leaves the status alone when onCancel %s after it", async (_, fail) => {
    const { promise: seen, resolve } = Promise.withResolvers<GuardEvent>();
    expect(await call(guard(listening({ onCancel: fail }), { observe: resolve }))).toMatchObject({ code: status.OK });
    expect(await seen).toMatchObject({ error: boom });
  });

  test("E7: sends no second status when the interceptor fails after the first", () => {
    const late: ServerInterceptor = (_, next) =>
      new ServerInterceptingCall(next, {
        sendStatus: (result, send) => {
          send(result);
          throw boom;
        },
      });
    const fake = new FakeServerCall(guard(late)).start().respond();
    expect(fake.client.statuses.map(({ code }) => code)).toEqual([status.OK]);
  });

  test("E7: a failure is seen by the interceptors nearer to the wire, with the request id, and stops the handler", () => {
    const seen: (status | undefined)[] = [];
    const nearer: ServerInterceptor = (_, next) =>
      new ServerInterceptingCall(next, {
        sendStatus: (result, send) => {
          seen.push(result.code);
          send(result);
        },
      });
    const trace = { traceId: "0".repeat(31).concat("1"), spanId: "0".repeat(15).concat("1"), sampled: false };
    const context = newContext({ requestId: "req-12345678", trace });
    const fake = new FakeServerCall([nearer, guard(listening({ onReceiveMessage: throws }))]).start();
    rpcContext.run(context, () => fake.receive("hello"));
    expect(seen).toEqual([status.INTERNAL]);
    expect(detailsOf(fake.status.metadata)?.requestId).toBe("req-12345678");
    expect(context.signal.aborted).toBe(true);
    expect(fake.handler.messages).toEqual([]);
  });

  test("does not touch an interceptor that has nothing to do for the call", () => {
    const fake = new FakeServerCall(guard((_, next) => next as ServerInterceptingCall));
    expect(fake.call).toBe(fake.base);
  });

  test("guarded() guards each one of a chain", () => {
    const fake = new FakeServerCall(guarded([listening({}), listening({ onReceiveMetadata: throws }), listening({})]));
    fake.start();
    expect(fake.status.code).toBe(status.INTERNAL);
    expect(fake.handler.metadata).toBeUndefined();
  });

  describe("around a row", () => {
    /** Notes what it hears of the call's end, and from whom. */
    const noting = (seen: string[]): ServerInterceptor => {
      return (_, next) =>
        new ServerInterceptingCall(next, {
          start: (begin) => begin({ onCancel: () => void seen.push(`end ${unseenStatus.get()?.code}`) }),
          sendStatus: (result, send) => {
            seen.push(`status ${result.code}`);
            send(result);
          },
        });
    };

    test.each(["sendMetadata", "sendMessage", "sendStatus"])(
      "E7: gives the client INTERNAL when %s throws, and all in the row hear of it once",
      (where) => {
        const [nearer, outside, inside]: [string[], string[], string[]] = [[], [], []];
        const failing = failingIn[where]?.(throws) as ServerInterceptor;
        const row = [noting(outside), failing, noting(inside)];
        const fake = new FakeServerCall(guarded([noting(nearer), row])).start().receive("hello").halfClose();
        fake.respond();
        fake.cancel();
        expect(fake.client.statuses.map(({ code }) => code)).toEqual([status.INTERNAL]);
        expect(nearer).toEqual([`status ${status.INTERNAL}`, "end undefined"]);
        expect(outside).toEqual([`end ${status.INTERNAL}`]);
        expect(inside.filter((each) => each.startsWith("end"))).toEqual([`end ${status.INTERNAL}`]);
        expect(fake.cancels).toBe(1);
      },
    );

    test("E7: nothing of the request goes on, and no second status goes out, after a listener has thrown", () => {
      const seen: string[] = [];
      const failing = listening({ onReceiveMessage: throws });
      const fake = new FakeServerCall(guarded([[noting(seen), failing, noting([])]])).start();
      fake.receive("hello").receive("again").halfClose().respond();
      expect(fake.client.statuses.map(({ code }) => code)).toEqual([status.INTERNAL]);
      expect(fake.client.messages).toEqual([]);
      expect(fake.handler).toMatchObject({ messages: [], halfClosed: false });
      expect(seen).toEqual([`end ${status.INTERNAL}`]);
    });

    test("E7: a status that is sent from a timer throws at nobody but the guard that is next", () => {
      const events: GuardEvent[] = [];
      let expire = (): void => undefined;
      const timed: ServerInterceptor = (_, next) => {
        expire = () => next.sendStatus({ code: status.DEADLINE_EXCEEDED, details: "" });
        return new ServerInterceptingCall(next, {});
      };
      const failing = failingIn["sendStatus"]?.(throws) as ServerInterceptor;
      const fake = new FakeServerCall(
        guarded([[failing], [timed]], { observe: (event) => events.push(event) }),
      ).start();
      expire();
      expect(fake.status.code).toBe(status.INTERNAL);
      expect(events).toHaveLength(1);
    });

    test("E7: an observer that throws changes nothing", () => {
      const failing = listening({ onReceiveMetadata: throws });
      expect(new FakeServerCall(guarded([[failing]], { observe: throws })).start().status.code).toBe(status.INTERNAL);
    });
  });
});
