import { ErrorReason as OrderReason } from "@holdfast/contracts/ecommerce/order/v1/error_reason";
import { ErrorReason as PaymentReason } from "@holdfast/contracts/ecommerce/payment/v1/error_reason";
import { ErrorReason as ProductReason } from "@holdfast/contracts/ecommerce/product/v1/error_reason";

const own: Readonly<Record<string, object>> = { order: OrderReason, payment: PaymentReason, product: ProductReason };

/**
 * The domain of a reason that the service of `path` gives: "payment.ecommerce" for one that its package publishes,
 * "type.ecommerce" for one that any service may give.
 */
export function domainOf(reason: string, path: string): string {
  const [, name = "type"] = /^\/?ecommerce\.(\w+)\./.exec(path) ?? [];
  return `ERROR_REASON_${reason}` in (own[name] ?? {}) ? `${name}.ecommerce` : "type.ecommerce";
}
