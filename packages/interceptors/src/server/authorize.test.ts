// SPDX-License-Identifier: MIT
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { newContext, type Principal, rpcContext } from "../context.ts";
import { detailsOf } from "../status.ts";
import { FakeServerCall } from "../testing/server-call.ts";
import { authorize, decide, type Rule } from "./authorize.ts";

const GET = "/test.v1.Test/Get";
const TRACE = { traceId: "1".repeat(32), spanId: "1".repeat(16), sampled: false };

function aCall(rule: Rule, principal?: Principal, path = GET): FakeServerCall {
  const call = new FakeServerCall(authorize({ paths: [GET], rules: { [GET]: rule } }), { path });
  const context = newContext({ requestId: "request-1", trace: TRACE, ...(principal && { principal }) });
  return rpcContext.run(context, () => call.start());
}

describe("authorize()", () => {
  test("T5: a caller who is known and may not is PERMISSION_DENIED, before anything is read", () => {
    const call = aCall({ roles: ["admin"] }, { id: "alice", roles: ["clerk"] });
    expect(call.status.code).toBe(status.PERMISSION_DENIED);
    expect(detailsOf(call.status.metadata)).toMatchObject({ reason: "PERMISSION_DENIED", metadata: { method: GET } });
    expect(call.reads).toBe(0);
    expect(call.handler.metadata).toBeUndefined();
  });

  test("T5: a caller who is not known is UNAUTHENTICATED", () => {
    const call = aCall("authenticated");
    expect(call.status.code).toBe(status.UNAUTHENTICATED);
    expect(detailsOf(call.status.metadata)?.reason).toBe("UNAUTHENTICATED");
  });

  test("lets in by role, by id, whoever is known, or anybody, as the rule says", () => {
    const alice = { id: "spiffe://shop/order", roles: ["clerk", "auditor"] };
    const allowed: [Rule, Principal | undefined][] = [
      ["public", undefined],
      ["authenticated", alice],
      [{ roles: ["admin", "auditor"] }, alice],
      [{ roles: ["admin"], principals: ["spiffe://shop/order"] }, alice],
    ];
    for (const [rule, principal] of allowed) expect(aCall(rule, principal).handler.metadata).toBeDefined();
    expect(decide({ principals: ["spiffe://shop/orders"] }, alice)).toBe("denied");
    expect(decide({ roles: ["admin"] }, undefined)).toBe("unknown_caller");
  });

  test("denies a method that is not in the table", () => {
    expect(aCall("public", { id: "alice", roles: [] }, "/test.v1.Test/Added").status.code).toBe(
      status.PERMISSION_DENIED,
    );
    expect(decide(undefined, { id: "alice", roles: ["admin"] })).toBe("denied");
  });

  test("does not start with a method without a rule, a rule without a method, or one that lets nobody in", () => {
    const build = (rules: Record<string, Rule>) => () => authorize({ paths: [GET, "/test.v1.Test/Put"], rules });
    expect(build({ [GET]: "public" })).toThrow("Cannot build authorize: no rule for /test.v1.Test/Put");
    const both: Record<string, Rule> = { [GET]: "public", "/test.v1.Test/Put": "public" };
    expect(build({ ...both, "/test.v1.Test/Gett": "public" })).toThrow('there is no method "/test.v1.Test/Gett"');
    expect(build({ ...both, [GET]: { roles: [] } })).toThrow("lets nobody in");
    // Not by what every object has.
    expect(() => authorize({ paths: ["constructor"], rules: {} })).toThrow("no rule");
    expect(build(both)).not.toThrow();
  });
});
