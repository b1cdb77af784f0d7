// SPDX-License-Identifier: MIT
import { setImmediate as turn } from "node:timers/promises";
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, type Principal, rpcContext } from "../context.ts";
import { detailsOf } from "../status.ts";
import { rawClient, rawServer } from "../testing/raw-server.ts";
import { FakeServerCall, type ServerCallShape } from "../testing/server-call.ts";
import { type AuthEvent, type AuthenticateOptions, authenticate, type Credentials, urisOf } from "./auth.ts";

const ALICE: Principal = { id: "alice", roles: ["clerk"] };
const BEARER = { authorization: "Bearer good" };

/** Knows the token `good`, and the certificate of one service. */
const verify = ({ token, certificateUri }: Credentials): Principal | undefined => {
  if (certificateUri === "spiffe://shop/order") return { id: certificateUri, roles: [] };
  return token === "good" ? ALICE : undefined;
};

function aCall(shape: ServerCallShape = {}, options: Partial<AuthenticateOptions> = {}) {
  const events: AuthEvent[] = [];
  const interceptor = authenticate({ verify, observe: (event) => void events.push(event), ...options });
  return Object.assign(new FakeServerCall(interceptor, shape), { events });
}

const settled = async () => {
  for (let step = 0; step < 3; step += 1) await turn();
};

async function refused(call: FakeServerCall, code: status, reason: string): Promise<void> {
  call.start();
  await settled();
  expect(call.client.statuses.map((each) => [each.code, detailsOf(each.metadata)?.reason])).toEqual([[code, reason]]);
  // Trailers alone, and nothing was read for it.
  expect(call.client.metadata).toEqual([]);
  expect(call.reads).toBe(0);
  expect(call.handler.metadata).toBeUndefined();
}

describe("authenticate()", () => {
  test("T5: the principal is in the context of all that handles the call, beside what was there", async () => {
    const context = newContext({
      requestId: "request-1",
      trace: { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: true },
      deadline: 5,
    });
    const seen: unknown[] = [];
    const note = () => {
      const { requestId, deadline, principal, signal } = rpcContext.get() ?? context;
      seen.push([requestId, deadline, principal, signal === context.signal]);
    };
    const call = aCall({ metadata: BEARER });
    call.onHandlerMetadata = note;
    call.onHandlerHalfClose = note;
    rpcContext.run(context, () => call.start());
    await settled();
    rpcContext.run(context, () => call.receive("request").halfClose());
    expect(seen).toEqual(Array.from({ length: 2 }, () => ["request-1", 5, ALICE, true]));
    expect(call.respond().status.code).toBe(status.OK);
  });

  test("T5: without a context there is one for the principal", async () => {
    const call = aCall({ metadata: BEARER });
    let seen: Principal | undefined;
    call.onHandlerMetadata = () => (seen = rpcContext.get()?.principal);
    call.start();
    await settled();
    expect(seen).toEqual(ALICE);
  });

  test("T5: absent, malformed and wrong credentials are UNAUTHENTICATED, before anything is read", async () => {
    const whys: unknown[] = [];
    for (const metadata of [
      {},
      { authorization: "Basic eDp5" },
      { authorization: "Bearer" },
      { authorization: "Bearer bad" },
    ]) {
      const call = aCall({ metadata });
      await refused(call, status.UNAUTHENTICATED, "UNAUTHENTICATED");
      whys.push(...call.events.map((event) => event.kind === "refused" && event.why));
    }
    expect(whys).toEqual(["absent", "malformed", "malformed", "invalid"]);
  });

  test("T5: a verifier that cannot find out is UNAVAILABLE and says when to come back", async () => {
    const fail = async () => {
      throw new Error("The keys cannot be fetched");
    };
    const call = aCall({ metadata: BEARER }, { verify: fail, retryAfterMs: 2_000 });
    await refused(call, status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE");
    expect(detailsOf(call.status.metadata)?.retryAfterMs).toBe(2_000);
    expect(call.status.details).not.toContain("fetched");
    const atOnce = aCall(
      { metadata: BEARER },
      {
        verify: () => {
          throw new Error("no keys");
        },
      },
    );
    await refused(atOnce, status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE");
    expect(atOnce.events).toMatchObject([{ kind: "unverifiable" }]);
  });

  test("T5: nothing is read before the verdict", async () => {
    const { promise, resolve } = Promise.withResolvers<Principal>();
    const call = aCall({ metadata: BEARER }, { verify: () => promise }).start();
    await settled();
    expect(call.reads).toBe(0);
    resolve(ALICE);
    await settled();
    expect(call.reads).toBe(1);
  });

  test("T5: a caller that goes away meanwhile gets no status, and the handler does not begin", async () => {
    for (const verdict of [ALICE, undefined, new Error("late")]) {
      const { promise, resolve, reject } = Promise.withResolvers<Principal | undefined>();
      const call = aCall({ metadata: BEARER }, { verify: () => promise })
        .start()
        .cancel();
      if (verdict instanceof Error) reject(verdict);
      else resolve(verdict);
      await settled();
      expect(call.handler.metadata).toBeUndefined();
      expect(call.client.statuses).toEqual([]);
    }
  });

  test("T5: takes the one URI of a client certificate, where that is accepted", async () => {
    const seen: unknown[] = [];
    const options: Partial<AuthenticateOptions> = {
      accept: ["certificate"],
      verify: (shown) => (seen.push(shown), verify(shown)),
    };
    const named = (subjectaltname: string) => ({ certificate: { subjectaltname } });
    const call = aCall(named("DNS:order, URI:spiffe://shop/order"), options).start();
    await settled();
    expect(seen).toEqual([{ certificateUri: "spiffe://shop/order" }]);
    expect(call.handler.metadata).toBeDefined();
    await refused(
      aCall(named("URI:spiffe://shop/order, URI:spiffe://shop/a"), options),
      status.UNAUTHENTICATED,
      "UNAUTHENTICATED",
    );
    await refused(aCall(named("DNS:order"), options), status.UNAUTHENTICATED, "UNAUTHENTICATED");
    await refused(aCall(named("URI:spiffe://shop/order")), status.UNAUTHENTICATED, "UNAUTHENTICATED");
    await refused(aCall({}, options), status.UNAUTHENTICATED, "UNAUTHENTICATED");
    await refused(aCall({ metadata: BEARER }, options), status.UNAUTHENTICATED, "UNAUTHENTICATED");
  });

  test("T5: a wrong token is not made good by a certificate", async () => {
    const certificate = { subjectaltname: "URI:spiffe://shop/order" };
    const shape = { metadata: { authorization: "Basic x" }, certificate };
    const call = aCall(shape, { accept: ["bearer", "certificate"] });
    await refused(call, status.UNAUTHENTICATED, "UNAUTHENTICATED");
    expect(call.events).toMatchObject([{ kind: "refused", why: "malformed" }]);
  });

  test("reads no URI out of a name that only looks like one", () => {
    expect(urisOf('DNS:"a, URI:spiffe://shop/order", URI:spiffe://shop/b')).toEqual(["spiffe://shop/b"]);
    expect(urisOf('URI:"spiffe://shop/a, b"')).toEqual(["spiffe://shop/a, b"]);
    expect(urisOf("")).toEqual([]);
  });

  test("lets anybody call what is public, and only that", async () => {
    const publicMethods = ["/test.v1.Test/Get", "/grpc.health.v1.Health/*"];
    for (const path of ["/test.v1.Test/Get", "/grpc.health.v1.Health/Check"]) {
      expect(aCall({ path }, { publicMethods }).start().handler.metadata).toBeDefined();
    }
    for (const path of ["/test.v1.Test/GetAll", "/grpc.health.v1.Healthy/Check"]) {
      await refused(aCall({ path }, { publicMethods }), status.UNAUTHENTICATED, "UNAUTHENTICATED");
    }
  });

  test("T5: on the wire a stream without credentials ends before its first message is decoded", async () => {
    let handled = 0;
    await using server = await rawServer(
      { Chat: () => void (handled += 1) },
      { interceptors: [authenticate({ verify })] },
    );
    using client = rawClient(server.target);
    const call = client.open("Chat", new Metadata());
    call.write(Buffer.from("hello"));
    const { promise, resolve } = Promise.withResolvers<{ code?: status }>();
    call.on("error", resolve).resume();
    expect((await promise).code).toBe(status.UNAUTHENTICATED);
    expect(handled).toBe(0);
  });

  test("refuses options that would not take effect", () => {
    expect(() => authenticate({ verify, accept: [] })).toThrow(TypeError);
    expect(() => authenticate({ verify, publicMethods: ["test.v1.Test/Get"] })).toThrow('has "test.v1.Test/Get"');
    expect(() => authenticate({ verify, retryAfterMs: 0 })).toThrow(RangeError);
  });
});
