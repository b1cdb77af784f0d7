import { Client, credentials, Metadata } from "@grpc/grpc-js";
import {
  GetProductRequest,
  GetProductResponse,
  ProductServiceDefinition,
} from "@holdfast/contracts/ecommerce/product/v1/product_service";
import { CALLER } from "../stream-log.ts";
import type { Caller, Discovery } from "./caller.ts";

const PATH = `/${ProductServiceDefinition.fullName}/${ProductServiceDefinition.methods.getProduct.name}`;
const DEADLINE_MS = 1_000;

/** grpc-js as it comes, told to use `round_robin`. */
export function stock({ dnsServer, host, port, name }: Discovery): Caller {
  const client = new Client(`dns://${dnsServer}/${host}:${port}`, credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.service_config_disable_resolution": 1,
  });
  const request = GetProductRequest.fromPartial({ productId: "prod_1" });
  return {
    call() {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const metadata = new Metadata();
      metadata.set(CALLER, name);
      client.makeUnaryRequest(
        PATH,
        (message: GetProductRequest) => Buffer.from(GetProductRequest.encode(message).finish()),
        (bytes) => GetProductResponse.decode(bytes),
        request,
        metadata,
        { deadline: Date.now() + DEADLINE_MS },
        (error, response) => (error === null ? resolve(response?.product?.id ?? "") : reject(error)),
      );
      return promise;
    },
    [Symbol.dispose]: () => client.close(),
  };
}
