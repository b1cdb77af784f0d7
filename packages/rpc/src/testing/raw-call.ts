import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { decodeDetails, STATUS_DETAILS_KEY } from "../errors/status-details.ts";

export interface RawAnswer {
  /** 0 for OK. */
  code: number;
  /** ErrorInfo.reason. */
  reason: string | undefined;
  /** BadRequest. */
  violations: readonly { field: string; description: string }[];
  message: string;
  response?: Buffer;
}

/** Sends bytes as they are to a unary method of a server and reads the status: what no typed client can do. */
export function rawCall(target: string, path: string, bytes: Uint8Array, timeoutMs = 5_000): Promise<RawAnswer> {
  const client = new Client(target, credentials.createInsecure());
  const asIs = (value: Buffer) => value;
  const deadline = Date.now() + timeoutMs;
  return new Promise((resolve) => {
    const answer = (error: ServiceError | null, response?: Buffer) => {
      client.close();
      if (error === null) {
        resolve({ code: 0, reason: undefined, violations: [], message: "", ...(response && { response }) });
        return;
      }
      const [details] = error.metadata.get(STATUS_DETAILS_KEY);
      const { reason, violations = [] } = decodeDetails(Buffer.isBuffer(details) ? details : undefined);
      resolve({ code: error.code, reason, violations, message: error.details });
    };
    client.makeUnaryRequest(path, asIs, asIs, Buffer.from(bytes), new Metadata(), { deadline }, answer);
  });
}
