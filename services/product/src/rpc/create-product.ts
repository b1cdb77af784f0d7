import { createHash } from "node:crypto";
import {
  CreateProductRequest,
  CreateProductResponse,
  type ProductServiceDefinition,
} from "@holdfast/contracts/ecommerce/product/v1/product_service";
import type { Handlers } from "@holdfast/rpc";
import type { CreateProductCommand, CreateProductOutcome } from "../domain/create-product.ts";
import type { Scope } from "../domain/scope.ts";
import { idempotencyKeyInUse, idempotencyKeyReused, skuTaken } from "./errors.ts";
import { productToProto } from "./to-proto.ts";

export type CreateProduct = (scope: Scope, command: CreateProductCommand) => Promise<CreateProductOutcome>;

/** CreateProduct: one product per idempotency key, and the same answer for every repeat. */
export function createProduct({
  create,
}: {
  create: CreateProduct;
}): Handlers<typeof ProductServiceDefinition>["createProduct"] {
  return async (request, { deadline, signal }) => {
    const { idempotencyKey, sku } = request;
    const outcome = await create({ deadline, signal }, toCommand(request));
    switch (outcome.kind) {
      case "done":
        return CreateProductResponse.decode(outcome.response);
      case "sku_taken":
        throw skuTaken(sku);
      case "key_reused":
        throw idempotencyKeyReused(idempotencyKey);
      case "key_in_use":
        throw idempotencyKeyInUse(idempotencyKey);
      default:
        return outcome satisfies never;
    }
  };
}

function toCommand(request: CreateProductRequest): CreateProductCommand {
  const { idempotencyKey, sku, name, description, stock, price } = request;
  if (price === undefined) throw new Error("The contract requires a price");
  const body = CreateProductRequest.encode({ ...request, idempotencyKey: "" }).finish();
  return {
    idempotencyKey,
    requestHash: createHash("sha256").update(body).digest(),
    draft: { sku, name, description, stock, price },
    respond: (product) => CreateProductResponse.encode({ product: productToProto(product) }).finish(),
  };
}
