// An instance: serves until SIGTERM, and then ends as every service does.
import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { createLogger, drain, runUntilSignal } from "@holdfast/process";
import { serve } from "@holdfast/rpc";
import { paymentHandlers } from "../instances.ts";

const log = createLogger({ service: "payment" });
const times = { DRAIN_MS: 4_000, DRAIN_RESOLVERS_MS: 0 };
const lifecycle = runUntilSignal({ log, drainMs: times.DRAIN_MS });
const handlers = paymentHandlers(() => undefined);
const server = await serve(PaymentServiceDefinition, handlers, { listen: "0.0.0.0:50051", log });
lifecycle.onDrain("server", () => drain({ server, times }));
server.health.set(true);
lifecycle.ready({ port: server.port });
