/** The part of a service's name that error domains are made of: "payment" of "/ecommerce.payment.v1.PaymentService/Charge". */
export function servicePackageOf(path: string): string {
  const [, name = "type"] = /^\/?ecommerce\.(\w+)\./.exec(path) ?? [];
  return name;
}
