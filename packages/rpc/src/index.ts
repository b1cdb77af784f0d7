export { status as Status } from "@grpc/grpc-js";
export { type RpcContext, rpcContext } from "./call-context.ts";
export type { CallExtension } from "./client/call-middleware.ts";
export { type Connected, type ConnectOptions, connect } from "./client/connect.ts";
export { RemoteError } from "./errors/remote-error.ts";
export { type FieldViolation, type Reason, RpcError, type RpcErrorOptions } from "./errors/rpc-error.ts";
export type { HandlerContext } from "./server/handler-middleware.ts";
export { type Handlers, type RunningServer, type ServeOptions, serve } from "./server/serve.ts";
export { validationFailed } from "./validation/read-request.ts";
