import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { connect, discovery } from "@holdfast/rpc";
import { Metadata } from "nice-grpc";
import { CALLER } from "../stream-log.ts";
import type { Caller, Discovery } from "./caller.ts";
import { usualChain } from "./usual-chain.ts";

const TARGET = "k8s:///product-service.bench:grpc";
/** How often DNS is asked, ± 20 %: new instances are found within 1 s, and no second has more than two resolutions. */
const INTERVAL_MS = 700;

/** Our client as our services use it. */
export function holdfast({ dnsServer, name }: Discovery): Caller {
  const found = discovery({ resolver: { servers: [dnsServer], intervalMs: INTERVAL_MS } });
  const client = connect(ProductServiceDefinition, TARGET, { ...usualChain(), discovery: found });
  const metadata = Metadata({ [CALLER]: name });
  return {
    async call() {
      const { product } = await client.getProduct({ productId: "prod_1" }, { metadata });
      return product?.id ?? "";
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
