import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { createLogger } from "@holdfast/process";
import { describe, expect, test } from "vitest";
import { ChainError, type ClientPart, client, connect, type ServerPart, serve, server } from "../index.ts";
import { leastChain } from "./least-chain.ts";

/** A client that never calls anybody: what is wrong is found before. */
function build(chain: readonly ClientPart[], options: Parameters<typeof connect>[2] = {}): void {
  connect(PaymentServiceDefinition, "127.0.0.1:1", { chain, ...options })[Symbol.dispose]();
}

describe("connect() refuses a chain", () => {
  const { context, errors, deadline, retry, breaker, attemptTimeout, idempotencyKey } = client;
  test.each<[string, ClientPart[], string]>([
    ["out of order", [errors(), context(), deadline()], '"context" belongs before "errors"'],
    ["with a part twice", [context(), context(), deadline()], '"context" stands there twice'],
    ["without a deadline", [context(), errors()], '"deadline" is missing'],
    ["with a breaker outside retry", [deadline(), breaker(), retry()], '"retry" belongs before "breaker"'],
    ["with one attempt", [deadline(), retry({ maxAttempts: 1 })], '"retry" has no effect'],
    ["with a key that nobody reads", [deadline(), idempotencyKey()], '"idempotencyKey" has no effect'],
    ["with a key for a method that is not there", [deadline(), idempotencyKey({ also: ["chrage"] })], '"chrage"'],
    ["with an attempt timeout and one attempt", [deadline(), attemptTimeout({ timeoutMs: 300 })], "without"],
    [
      "with attempts as long as calls",
      [deadline(), retry(), attemptTimeout({ timeoutMs: 8_000 })],
      "must be below 8000",
    ],
  ])("%s", (_, chain, problem) => {
    expect(() => build(chain)).toThrow(ChainError);
    expect(() => build(chain)).toThrow(problem);
  });

  test.each<[string, object, string]>([
    ["a time that is no shorter than the contract's", { timeoutMs: 8_001 }, "at most 8000"],
    ["a time of nothing", { timeoutMs: 0 }, "more than 0"],
    ["a time for a method that is not there", { methodTimeoutsMs: { chrage: 100 } }, '"chrage"'],
    ["a method's time that is no shorter than the contract's", { methodTimeoutsMs: { charge: 9_000 } }, "at most 8000"],
  ])("for %s", (_, options, problem) => {
    expect(() => build([deadline()], options)).toThrow(problem);
  });

  test("and takes one that says what it does", () => {
    expect(() =>
      build([context(), errors(), deadline(), retry(), breaker(), attemptTimeout({ timeoutMs: 300 })]),
    ).not.toThrow();
  });
});

describe("serve() refuses a chain", () => {
  const [guard, context, drain, deadline, validation, errors] = leastChain() as [
    ServerPart,
    ServerPart,
    ServerPart,
    ServerPart,
    ServerPart,
    ServerPart,
  ];
  const log = createLogger({ service: "test", level: "silent" });
  const start = (chain: ServerPart[]) =>
    serve(OrderServiceDefinition, {} as never, { listen: "127.0.0.1:0", log, chain });

  test.each<[string, ServerPart[], string]>([
    ["without a guard", [context, drain, deadline, validation, errors], '"guard" is missing'],
    ["without a drain", [guard, context, deadline, validation, errors], '"drain" is missing'],
    ["without validation", [guard, context, drain, deadline, errors], '"validation" is missing'],
    ["out of order", [context, guard, drain, deadline, validation, errors], '"guard" belongs before "context"'],
    [
      "with a fault for a method that is not there",
      [
        guard,
        context,
        drain,
        deadline,
        server.fault({ allowed: true, enabled: () => true, faults: [{ methods: ["/a.B/C"], share: 1, delayMs: 1 }] }),
        validation,
        errors,
      ],
      '"/a.B/C"',
    ],
  ])("%s", async (_, chain, problem) => {
    await expect(start(chain)).rejects.toThrow(problem);
  });
});
