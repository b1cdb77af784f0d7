import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { createLogger } from "@holdfast/process";
import { describe, expect, test } from "vitest";
import {
  ChainError,
  type ClientPart,
  client,
  connect,
  type ServeOptions,
  type ServerPart,
  serve,
  server,
} from "../index.ts";
import { leastChain } from "./least-chain.ts";
import { SERVER_ORDER } from "./server-part.ts";

type Definition = typeof PaymentServiceDefinition | typeof OrderServiceDefinition | typeof ProductServiceDefinition;

/** A client that never calls anybody: what is wrong is found before. */
function build(
  chain: readonly ClientPart[],
  options: object = {},
  definition: Definition = PaymentServiceDefinition,
): void {
  connect(definition, "127.0.0.1:1", { chain, ...options })[Symbol.dispose]();
}

/** What a program without types may write. */
const typo = { maxRetries: 7 } as never;

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
      "below 8000, the longest call's",
    ],
    ["with a default for methods without a deadline", [deadline({ defaultMs: 100 } as never)], '"defaultMs"'],
    ["with calls without an end", [deadline({ allowInfinite: true } as never)], '"allowInfinite"'],
    ["with a maximum that no call reaches", [deadline({ hardMaxMs: 8_000 })], "below 8000"],
    ["with call telemetry for nobody", [client.callTelemetry({} as never), deadline()], "without telemetry"],
    ["with attempt telemetry for nobody", [deadline(), client.attemptTelemetry({} as never)], "without telemetry"],
    [
      "with a log of requests, which are bytes there",
      [client.callTelemetry({ telemetry: {}, logRequests: true } as never), deadline()],
      'no option "logRequests"',
    ],
    [
      "with a wait that no call outlasts",
      [deadline(), retry({ baseDelayMs: 8_000, maxDelayMs: 9_000 })],
      'baseDelayMs of "retry" must be below 8000',
    ],
    ["with a hedge after the end", [deadline(), client.hedging({ delayMs: 5_000 })], "must be below 5000"],
    [
      "that repeats INTERNAL of methods that are hedged",
      [deadline(), retry({ retryInternal: true }), client.hedging()],
      "retryInternal",
    ],
  ])("%s", (_, chain, problem) => {
    expect(() => build(chain)).toThrow(ChainError);
    expect(() => build(chain)).toThrow(problem);
  });

  test.each<[string, (options: never) => ClientPart]>([
    ["context", client.context],
    ["callTelemetry", client.callTelemetry],
    ["errors", client.errors],
    ["deadline", client.deadline],
    ["idempotencyKey", client.idempotencyKey],
    ["retry", client.retry],
    ["hedging", client.hedging],
    ["breaker", client.breaker],
    ["concurrencyLimit", client.concurrencyLimit],
    ["attemptTimeout", client.attemptTimeout],
    ["auth", client.auth],
    ["attemptTelemetry", client.attemptTelemetry],
  ])("with an option of %s that does not exist", (name, part) => {
    const outer = [context(), client.callTelemetry({ telemetry: {} as never }), errors()];
    const inner = name === "attemptTimeout" ? [deadline(), retry()] : name === "deadline" ? [] : [deadline()];
    const bad = part(typo);
    const chain = outer.some((it) => it.name === name) ? [bad, deadline()] : [...inner, bad];
    expect(() => build(chain)).toThrow(new ChainError(`"${name}" has no option "maxRetries"`));
  });

  test.each<[string, ClientPart[], string]>([
    [
      "a queue's",
      [deadline(), client.concurrencyLimit({ limit: 1, queue: { size: 1, waitMs: 5 } as never })],
      "waitMs",
    ],
    ["a part's that are none", [deadline(), breaker(null as never)], "must be an object"],
  ])("with %s options", (_, chain, problem) => {
    expect(() => build(chain)).toThrow(ChainError);
    expect(() => build(chain)).toThrow(problem);
  });

  test.each([
    ["getOrder", "no side effects"],
    ["createOrder", "field of the request"],
    ["streamOrderUpdates", "stream"],
  ])("with a key on %s, whose server does not look for one", (name, why) => {
    const refused = () => build([deadline(), idempotencyKey({ also: [name] })], {}, OrderServiceDefinition);
    expect(refused).toThrow(`"idempotencyKey" has no effect on "${name}"`);
    expect(refused).toThrow(why);
  });

  test("with an attempt timeout that only streams would notice", () => {
    const chain = [deadline(), retry(), attemptTimeout({ timeoutMs: 60_000 })];
    expect(() => build(chain, {}, OrderServiceDefinition)).toThrow("below 10000");
  });

  test("with an attempt timeout that only calls would notice that nothing repeats", () => {
    // ReserveStock has 8 s, but without retry only what is hedged has a second attempt.
    const chain = [deadline(), client.hedging(), attemptTimeout({ timeoutMs: 6_000 })];
    expect(() => build(chain, {}, ProductServiceDefinition)).toThrow("below 5000");
  });

  test("that repeats INTERNAL where every method has side effects", () => {
    const { charge, refund } = PaymentServiceDefinition.methods;
    const definition = { ...PaymentServiceDefinition, methods: { charge, refund } };
    const chain = [deadline(), retry({ retryInternal: true })];
    expect(() => connect(definition, "127.0.0.1:1", { chain })).toThrow("no method without side effects");
  });

  test.each<[string, object, string]>([
    ["a time that is longer than the contract's", { timeoutMs: 8_001 }, "at most 8000"],
    ["a time of nothing", { timeoutMs: 0 }, "more than 0"],
    ["a time for a method that is not there", { methodTimeoutsMs: { chrage: 100 } }, '"chrage"'],
    ["a method's time that is longer than the contract's", { methodTimeoutsMs: { charge: 9_000 } }, "at most 8000"],
    ["a method's time that is the contract's", { methodTimeoutsMs: { charge: 8_000 } }, "has 8000 without it"],
    [
      "a method's time that is every method's",
      { timeoutMs: 700, methodTimeoutsMs: { charge: 700 } },
      'methodTimeoutsMs of "charge" has no effect',
    ],
    ["an option that does not exist", { timeoutMS: 5 }, '"connect" has no option "timeoutMS"'],
    ["a response of less than nothing", { maxResponseBytes: -5 }, "if it is not −1, must be a whole number"],
    ["a response of no bytes", { maxResponseBytes: 0 }, "maxResponseBytes"],
    ["a response of NaN bytes", { maxResponseBytes: Number.NaN }, "maxResponseBytes"],
  ])("for %s", (_, options, problem) => {
    expect(() => build([deadline()], options)).toThrow(ChainError);
    expect(() => build([deadline()], options)).toThrow(problem);
  });

  test("and takes one that says what it does", () => {
    const chain = [context(), errors(), deadline(), retry({ retryInternal: true }), breaker()];
    expect(() => build([...chain, attemptTimeout({ timeoutMs: 300 })], { maxResponseBytes: -1 })).not.toThrow();
    // The contract's time, where all other methods have less.
    expect(() => build([deadline()], { timeoutMs: 700, methodTimeoutsMs: { charge: 8_000 } })).not.toThrow();
    const keyed = [deadline(), idempotencyKey({ also: ["cancelOrder"] })];
    expect(() => build(keyed, {}, OrderServiceDefinition)).not.toThrow();
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
  const start = (chain: ServerPart[], options: Partial<ServeOptions> = {}) =>
    serve(OrderServiceDefinition, {} as never, { listen: "127.0.0.1:0", log, chain, ...options });

  /** The least chain with these parts in their places, or instead of its own. */
  function withParts(...parts: ServerPart[]): ServerPart[] {
    const own = leastChain().filter(({ name }) => parts.every((part) => part.name !== name));
    return [...own, ...parts].sort((a, b) => SERVER_ORDER.indexOf(a.name) - SERVER_ORDER.indexOf(b.name));
  }

  const known = server.authenticate({ verify: () => undefined });
  const staff = { roles: ["staff"] };
  const rules = {
    createOrder: staff,
    getOrder: staff,
    listOrders: staff,
    cancelOrder: staff,
    streamOrderUpdates: staff,
  };
  const oneFault = (fault: object) =>
    server.fault({ allowed: true, enabled: () => true, faults: [{ share: 1, delayMs: 1, ...fault }] });

  test.each<[string, ServerPart[], string]>([
    ["without a guard", [context, drain, deadline, validation, errors], '"guard" is missing'],
    ["without a drain", [guard, context, deadline, validation, errors], '"drain" is missing'],
    ["without validation", [guard, context, drain, deadline, errors], '"validation" is missing'],
    ["out of order", [context, guard, drain, deadline, validation, errors], '"guard" belongs before "context"'],
    ["with a fault for a method that is not there", withParts(oneFault({ methods: ["/a.B/C"] })), '"/a.B/C"'],
    ["with a fault for a service that is not there", withParts(oneFault({ methods: ["/a.B/"] })), '"/a.B/"'],
    [
      "with a fault's option that does not exist",
      withParts(oneFault({ delay: 1 })),
      '"fault.faults[0]" has no option "delay"',
    ],
    ["with roles of nobody", withParts(server.authorize({ rules })), 'without "authenticate"'],
    [
      "with known callers of reflection, and nobody known",
      withParts(server.authorize({ rules: {}, reflection: "authenticated" })),
      'without "authenticate"',
    ],
    [
      "with a rule for a method that is not there",
      withParts(known, server.authorize({ rules: { ...rules, getOrdr: staff } })),
      '"authorize" names "getOrdr"',
    ],
    [
      "with a public method that wants credentials",
      withParts(known, server.authorize({ rules: { ...rules, getOrder: "public" } })),
      'none of the publicMethods of "authenticate"',
    ],
    [
      "with roles of callers who are not asked",
      withParts(
        server.authenticate({ verify: () => undefined, publicMethods: ["/ecommerce.order.v1.OrderService/*"] }),
        server.authorize({ rules }),
      ),
      'to "authenticate" it is public',
    ],
    [
      "with a public method that is not there",
      withParts(server.authenticate({ verify: () => undefined, publicMethods: ["/no.Such/Method"] })),
      '"/no.Such/Method"',
    ],
    [
      "with a quota that exempts nothing",
      withParts(server.rateLimit({ callsPerSecond: 1, exempt: ["/grpc.health.v1.Health/Check"] })),
      '"rateLimit" names',
    ],
    [
      "with load shedding that exempts nothing",
      withParts(server.loadShed({ exempt: ["nope"] })),
      '"loadShed" names "nope"',
    ],
    [
      "with a field to leave out of the log that no request has",
      withParts(server.telemetry({ logRequests: true, redact: ["paymentMethod", "idempotency_key"] })),
      '"telemetry" names "idempotency_key"',
    ],
    [
      "with a transaction of a method whose key is its own",
      withParts(
        server.idempotency({ store: {} as never, transactional: ["/ecommerce.order.v1.OrderService/CreateOrder"] }),
      ),
      'transactional of "idempotency"',
    ],
    ["with more time than any call has", withParts(server.deadline({ unaryMaxMs: 10_000 })), "below 10000"],
    ["with more time than any stream has", withParts(server.deadline({ streamMaxMs: Infinity })), "below 3600000"],
  ])("%s", async (_, chain, problem) => {
    await expect(start(chain)).rejects.toThrow(ChainError);
    await expect(start(chain)).rejects.toThrow(problem);
  });

  test.each<[string, (options: never) => ServerPart]>([
    ["guard", server.guard],
    ["context", server.context],
    ["telemetry", server.telemetry],
    ["drain", server.drain],
    ["deadline", server.deadline],
    ["loadShed", server.loadShed],
    ["fault", server.fault],
    ["authenticate", server.authenticate],
    ["authorize", server.authorize],
    ["rateLimit", server.rateLimit],
    ["validation", server.validation],
    ["idempotency", server.idempotency],
    ["errors", server.errors],
  ])("with an option of %s that does not exist", async (name, part) => {
    await expect(start(withParts(part(typo)))).rejects.toThrow(new ChainError(`"${name}" has no option "maxRetries"`));
  });

  test.each<[string, object]>([
    ["maxRequestBytes", { maxRequestBytes: 0 }],
    ["maxRequestBytes", { maxRequestBytes: -1 }],
    ["maxConcurrentStreams", { maxConcurrentStreams: 0 }],
    ["maxConcurrentStreams", { maxConcurrentStreams: 1.5 }],
    ['"serve" has no option "maxBytes"', { maxBytes: 5 }],
  ])("for %s of %o", async (problem, options) => {
    await expect(start(leastChain(), options)).rejects.toThrow(ChainError);
    await expect(start(leastChain(), options)).rejects.toThrow(problem);
  });
});
