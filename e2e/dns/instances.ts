import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import type { ClusterInstance } from "@holdfast/discovery/dns-server/cluster-records";
import { createLogger } from "@holdfast/process";
import { type Handlers, type RunningServer, serve } from "@holdfast/rpc";

/** One instance of a service, on loopback. */
export interface Instance extends AsyncDisposable {
  /** What DNS shall know of it. */
  readonly record: ClusterInstance;
  /** That have reached it. */
  readonly calls: number;
}

/** Of a service that knows no transactions. */
export function paymentHandlers(onCall: () => void): Handlers<typeof PaymentServiceDefinition> {
  const refuse = (): never => {
    throw new Error("It only answers GetTransactionStatus");
  };
  const getTransactionStatus = () => {
    onCall();
    return Promise.resolve({ transaction: undefined });
  };
  return { charge: refuse, refund: refuse, getTransactionStatus };
}

/** Starts one, at all of its addresses with one port. @param port 0: any free one */
export async function anInstance({ hostname, ipv4, ipv6, port = 0 }: Partial<ClusterInstance>): Promise<Instance> {
  let calls = 0;
  const handlers = paymentHandlers(() => (calls += 1));
  const log = createLogger({ service: "test", level: "silent" });
  const servers: RunningServer[] = [];
  const hosts = [ipv4, ipv6 && `[${ipv6}]`].filter((host) => host !== undefined);
  for (const host of hosts) {
    const listen = `${host}:${servers[0]?.port ?? port}`;
    const server = await serve(PaymentServiceDefinition, handlers, { listen, log });
    server.health.set(true);
    servers.push(server);
  }
  const addresses = { ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) };
  return {
    record: { hostname: hostname ?? "payment-0", ...addresses, port: servers[0]?.port ?? port },
    get calls() {
      return calls;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}
