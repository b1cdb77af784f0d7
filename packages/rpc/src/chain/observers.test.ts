import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { describe, expect, test, vi } from "vitest";
import {
  type ClientPart,
  client,
  connect,
  type RemoteError,
  RpcError,
  type ServerPart,
  Status,
  server,
} from "../index.ts";
import { aServer } from "../testing/a-server.ts";

interface Case {
  /** What `observe` is an option of. */
  part: (observe: () => void) => { client?: ClientPart; server?: ServerPart };
  /** How long the handler takes. Unit: milliseconds. */
  ms?: number;
  /** How the first call ends in the handler. */
  fails?: boolean;
  /** The names of the codes that two calls at once end with, in any order. */
  ends: readonly string[];
}

const fine = ["OK", "OK"];
const CASES: { [name: string]: Case } = {
  retry: { part: (observe) => ({ client: client.retry({ baseDelayMs: 1, observe }) }), fails: true, ends: fine },
  // There is one host only, which is found out in a timer.
  hedging: { part: (observe) => ({ client: client.hedging({ delayMs: 5, observe }) }), ms: 50, ends: fine },
  breaker: {
    part: (observe) => ({ client: client.breaker({ failuresInARow: 1, observe }) }),
    fails: true,
    ends: ["OK", "UNAVAILABLE"],
  },
  concurrencyLimit: {
    part: (observe) => ({ client: client.concurrencyLimit({ limit: 1, queue: { size: 1, maxWaitMs: 5 }, observe }) }),
    ms: 50,
    ends: ["OK", "RESOURCE_EXHAUSTED"],
  },
  auth: { part: (observe) => ({ client: client.auth({ token: async () => ({ value: "t" }), observe }) }), ends: fine },
  rateLimit: {
    part: (observe) => ({ server: server.rateLimit({ callsPerSecond: 0.01, burst: 1, observe }) }),
    ends: ["OK", "RESOURCE_EXHAUSTED"],
  },
  loadShed: {
    part: (observe) => ({ server: server.loadShed({ minInFlight: 1, maxInFlight: 1, observe }) }),
    ms: 50,
    ends: ["OK", "UNAVAILABLE"],
  },
  authenticate: {
    part: (observe) => ({ server: server.authenticate({ verify: async () => undefined, observe }) }),
    ends: ["UNAUTHENTICATED", "UNAUTHENTICATED"],
  },
};

/** In the order that a chain has to have. */
const SERVER = [server.guard(), server.context(), server.drain(), server.deadline()];
const CLIENT = [client.context(), client.errors(), client.deadline()];

describe("what an observer throws", () => {
  test.each(Object.entries(CASES))(
    "E7: changes nothing for a call through %s",
    async (_, { part, ms, fails, ends }) => {
      const warned = vi.spyOn(process, "emitWarning").mockReturnValue(undefined);
      const observe = vi.fn<() => void>(() => {
        throw new Error("boom");
      });
      const made = part(observe);
      let calls = 0;
      const getOrder = async () => {
        calls += 1;
        if (fails && calls === 1) throw new RpcError(Status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "No");
        await new Promise((resolve) => setTimeout(resolve, ms));
        return { order: undefined };
      };
      const chain = [...SERVER, ...(made.server ? [made.server] : []), server.validation(), server.errors()];
      await using running = await aServer({ getOrder }, { chain });
      const through = [...CLIENT, ...(made.client ? [made.client] : [])];
      using orders = connect(OrderServiceDefinition, running.target, { chain: through });
      const call = async () => orders.getOrder({ orderId: "ord_1" });
      const results = await Promise.allSettled([call(), call()]);
      const codes = results.map((each) =>
        each.status === "fulfilled" ? "OK" : Status[(each.reason as RemoteError).code],
      );
      expect(codes.toSorted((one, other) => one.localeCompare(other))).toEqual(ends);
      expect(observe).toHaveBeenCalled();
      expect(warned).toHaveBeenCalledTimes(observe.mock.calls.length);
      warned.mockRestore();
    },
  );
});
