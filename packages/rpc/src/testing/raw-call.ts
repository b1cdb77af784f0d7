import { Client, credentials, Metadata, type StatusObject } from "@grpc/grpc-js";
import { detailsOf, type FieldViolation } from "@holdfast/interceptors/status";

export interface RawAnswer {
  /** 0 for OK. */
  code: number;
  /** ErrorInfo.reason. */
  reason: string | undefined;
  /** BadRequest. */
  violations: readonly FieldViolation[];
  message: string;
  responses: Buffer[];
}

/**
 * Sends bytes as they are, one message and the end, to a method of any shape, and reads until the status: what no typed
 * client can do.
 */
export function rawCall(target: string, path: string, bytes: Uint8Array, timeoutMs = 5_000): Promise<RawAnswer> {
  const client = new Client(target, credentials.createInsecure());
  const asIs = (value: Buffer) => value;
  const call = client.makeBidiStreamRequest(path, asIs, asIs, new Metadata(), { deadline: Date.now() + timeoutMs });
  const responses: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<RawAnswer>();
  call.on("data", (response: Buffer) => responses.push(response));
  // The status tells everything that the error does.
  call.on("error", () => undefined);
  call.on("status", (status: StatusObject) => {
    client.close();
    const { reason, violations = [] } = detailsOf(status.metadata) ?? {};
    resolve({ code: status.code, reason, violations, message: status.details, responses });
  });
  call.write(Buffer.from(bytes));
  call.end();
  return promise;
}
