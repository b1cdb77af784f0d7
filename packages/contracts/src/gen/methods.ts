// Made by `npm run generate` from the options in the protos.
import type { MethodPolicy } from "../method-policy.ts";

/** How each method of the contracts is to be called and served, by its path. */
export const methods: Readonly<Record<string, MethodPolicy>> = {
  "/ecommerce.admin.v1.AdminService/ListTargets": {"idempotency":"NO_SIDE_EFFECTS","requestStream":false,"responseStream":false,"deadlineMs":1000,"retry":"never","priority":"default","key":"none","hedge":false,"redact":[]},
  "/ecommerce.order.v1.OrderService/CreateOrder": {"idempotency":"IDEMPOTENT","requestStream":false,"responseStream":false,"deadlineMs":10000,"retry":"unavailable","priority":"critical","key":"field","hedge":false,"redact":["paymentMethod"]},
  "/ecommerce.order.v1.OrderService/GetOrder": {"idempotency":"NO_SIDE_EFFECTS","requestStream":false,"responseStream":false,"deadlineMs":5000,"retry":"unavailable","priority":"default","key":"none","hedge":true,"redact":[]},
  "/ecommerce.order.v1.OrderService/ListOrders": {"idempotency":"NO_SIDE_EFFECTS","requestStream":false,"responseStream":false,"deadlineMs":5000,"retry":"unavailable","priority":"default","key":"none","hedge":true,"redact":[]},
  "/ecommerce.order.v1.OrderService/CancelOrder": {"idempotency":"IDEMPOTENT","requestStream":false,"responseStream":false,"deadlineMs":10000,"retry":"unavailable","priority":"critical","key":"none","hedge":false,"redact":[]},
  "/ecommerce.order.v1.OrderService/StreamOrderUpdates": {"idempotency":"NO_SIDE_EFFECTS","requestStream":false,"responseStream":true,"deadlineMs":3600000,"retry":"unavailable","priority":"default","key":"none","hedge":false,"redact":[]},
  "/ecommerce.payment.v1.PaymentService/Charge": {"idempotency":"IDEMPOTENT","requestStream":false,"responseStream":false,"deadlineMs":8000,"retry":"unavailable","priority":"critical","key":"field","hedge":false,"redact":["paymentMethod"]},
  "/ecommerce.payment.v1.PaymentService/Refund": {"idempotency":"IDEMPOTENT","requestStream":false,"responseStream":false,"deadlineMs":8000,"retry":"unavailable","priority":"critical","key":"field","hedge":false,"redact":[]},
  "/ecommerce.payment.v1.PaymentService/GetTransactionStatus": {"idempotency":"NO_SIDE_EFFECTS","requestStream":false,"responseStream":false,"deadlineMs":5000,"retry":"unavailable","priority":"critical","key":"none","hedge":true,"redact":[]},
  "/ecommerce.product.v1.ProductService/GetProduct": {"idempotency":"NO_SIDE_EFFECTS","requestStream":false,"responseStream":false,"deadlineMs":5000,"retry":"unavailable","priority":"default","key":"none","hedge":true,"redact":[]},
  "/ecommerce.product.v1.ProductService/BatchGetProducts": {"idempotency":"NO_SIDE_EFFECTS","requestStream":false,"responseStream":false,"deadlineMs":5000,"retry":"unavailable","priority":"critical","key":"none","hedge":true,"redact":[]},
  "/ecommerce.product.v1.ProductService/ListProducts": {"idempotency":"NO_SIDE_EFFECTS","requestStream":false,"responseStream":true,"deadlineMs":3600000,"retry":"unavailable","priority":"default","key":"none","hedge":false,"redact":[]},
  "/ecommerce.product.v1.ProductService/CreateProduct": {"idempotency":"IDEMPOTENT","requestStream":false,"responseStream":false,"deadlineMs":8000,"retry":"unavailable","priority":"default","key":"field","hedge":false,"redact":[]},
  "/ecommerce.product.v1.ProductService/ImportProducts": {"idempotency":"IDEMPOTENT","requestStream":true,"responseStream":false,"deadlineMs":3600000,"retry":"never","priority":"sheddable","key":"none","hedge":false,"redact":[]},
  "/ecommerce.product.v1.ProductService/WatchStock": {"idempotency":"NO_SIDE_EFFECTS","requestStream":true,"responseStream":true,"deadlineMs":3600000,"retry":"never","priority":"default","key":"none","hedge":false,"redact":[]},
  "/ecommerce.product.v1.ProductService/ReserveStock": {"idempotency":"IDEMPOTENT","requestStream":false,"responseStream":false,"deadlineMs":8000,"retry":"unavailable","priority":"critical","key":"none","hedge":false,"redact":[]},
  "/ecommerce.product.v1.ProductService/CommitStock": {"idempotency":"IDEMPOTENT","requestStream":false,"responseStream":false,"deadlineMs":8000,"retry":"unavailable","priority":"critical","key":"none","hedge":false,"redact":[]},
  "/ecommerce.product.v1.ProductService/ReleaseStock": {"idempotency":"IDEMPOTENT","requestStream":false,"responseStream":false,"deadlineMs":8000,"retry":"unavailable","priority":"critical","key":"none","hedge":false,"redact":[]},
};
