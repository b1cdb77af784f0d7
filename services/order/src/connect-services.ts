import { PaymentServiceDefinition } from "@holdfast/contracts/ecommerce/payment/v1/payment_service";
import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { type ClientPart, connect, type Discovery, discovery, parseServers } from "@holdfast/rpc";
import type { Config } from "./config.ts";

interface Chains {
  /** Of the call that a customer waits for. */
  pricing: readonly ClientPart[];
  /** Of the saga's calls. */
  step: readonly ClientPart[];
}

/** Clients of the services that this one calls. */
export function connectServices(config: Config, chains: Chains) {
  const find = () =>
    discovery({
      resolver: {
        servers: parseServers(config.CLUSTER_DNS),
        domain: config.CLUSTER_DOMAIN,
        namespace: config.POD_NAMESPACE,
        intervalMs: config.RESOLVE_INTERVAL_MS,
      },
    });
  // The catalogue is called in two ways, each with a channel of its own: who looks at them has to know which is which.
  const pricing = find();
  const steps = find();
  const catalogue = connect(ProductServiceDefinition, config.PRODUCT_TARGET, {
    discovery: pricing,
    methodTimeoutsMs: { batchGetProducts: config.PRICING_TIMEOUT_MS },
    chain: chains.pricing,
  });
  const step = { discovery: steps, timeoutMs: config.STEP_TIMEOUT_MS, chain: chains.step };
  const products = connect(ProductServiceDefinition, config.PRODUCT_TARGET, step);
  const payments = connect(PaymentServiceDefinition, config.PAYMENT_TARGET, step);
  return {
    catalogue,
    products,
    payments,
    /** What is known of their instances; a target's name says what it is called for. */
    targets: () => [...named(pricing, "for prices"), ...named(steps, "for steps")].toSorted(byTarget),
    [Symbol.dispose]: () => {
      for (const one of [catalogue, products, payments]) one[Symbol.dispose]();
    },
  };
}

function named(instances: Discovery, purpose: string): ReturnType<Discovery["targets"]> {
  return instances.targets().map((report) => ({ ...report, target: `${report.target} ${purpose}` }));
}

function byTarget(a: { target: string }, b: { target: string }): number {
  return a.target.localeCompare(b.target);
}
