import { OrderServiceDefinition } from "@holdfast/contracts/ecommerce/order/v1/order_service";
import { createLogger } from "@holdfast/process";
import { type Handlers, type RunningServer, type ServeOptions, serve } from "../index.ts";

/** A server of the order contract on a free port, SERVING, with the handlers that a test cares about. */
export async function aServer(
  handlers: Partial<Handlers<typeof OrderServiceDefinition>>,
  options: Partial<ServeOptions> = {},
): Promise<RunningServer & { target: string }> {
  const refuse = () => {
    throw new Error("This test has no such handler");
  };
  const all: Handlers<typeof OrderServiceDefinition> = {
    createOrder: refuse,
    getOrder: refuse,
    listOrders: refuse,
    cancelOrder: refuse,
    streamOrderUpdates: refuse,
    ...handlers,
  };
  const log = createLogger({ service: "test", level: "silent" });
  const server = await serve(OrderServiceDefinition, all, { listen: "127.0.0.1:0", log, ...options });
  server.health.set(true);
  return { ...server, target: `127.0.0.1:${server.port}` };
}
