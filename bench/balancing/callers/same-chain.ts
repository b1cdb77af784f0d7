import { ProductServiceDefinition } from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { connect } from "@holdfast/rpc";
import { Metadata } from "nice-grpc";
import { CALLER } from "../stream-log.ts";
import type { Caller, Discovery } from "./caller.ts";
import { usualChain } from "./usual-chain.ts";

/** Our client over grpc-js' own resolver and `round_robin`. */
export function sameChain({ dnsServer, host, port, name }: Discovery): Caller {
  const client = connect(ProductServiceDefinition, `dns://${dnsServer}/${host}:${port}`, usualChain());
  const metadata = Metadata({ [CALLER]: name });
  return {
    async call() {
      const { product } = await client.getProduct({ productId: "prod_1" }, { metadata });
      return product?.id ?? "";
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
