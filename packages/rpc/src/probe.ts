/**
 * A program for the health checks of containers: `node probe.ts [host:port] [service]` asks grpc.health.v1.Health/Check, and
 * ends with 0 if the answer is SERVING, otherwise with 1 and a line that says why. Without an address: LISTEN's port, on this
 * host. It runs every few seconds in every container, so it is node:http2 alone: a whole client takes three times as long to
 * load as the question does.
 */
import { connect, constants } from "node:http2";

/** Unit: milliseconds. */
const DEADLINE_MS = 2_000;
const STATUS_NAMES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

const listen = process.env["LISTEN"] ?? "";
const [target = `127.0.0.1:${listen.slice(listen.lastIndexOf(":") + 1)}`, service = ""] = process.argv.slice(2);

function end(answer: string): never {
  if (answer !== "SERVING") process.stdout.write(`${target} ${answer}\n`);
  process.exit(answer === "SERVING" ? 0 : 1);
}

/** HealthCheckRequest { string service = 1; }: a name of up to 127 bytes, with gRPC's prefix of flag and length. */
function question(name: string): Buffer {
  const message = name === "" ? [] : [0x0a, Buffer.byteLength(name), ...Buffer.from(name)];
  return Buffer.from([0, 0, 0, 0, message.length, ...message]);
}

/** HealthCheckResponse { ServingStatus status = 1; } */
function answerOf(bytes: Buffer): string {
  const [tag, status = 0] = bytes.subarray(5);
  return STATUS_NAMES[tag === 0x08 ? status : 0] ?? `status ${status}`;
}

setTimeout(() => end(`has not answered within ${DEADLINE_MS} ms`), DEADLINE_MS);
const connection = connect(`http://${target}`).on("error", (error) => end(`cannot be reached: ${error.message}`));
const call = connection.request({
  [constants.HTTP2_HEADER_METHOD]: "POST",
  [constants.HTTP2_HEADER_PATH]: "/grpc.health.v1.Health/Check",
  [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
  [constants.HTTP2_HEADER_TE]: "trailers",
});
const chunks: Buffer[] = [];
let failure: string | undefined;
for (const event of ["response", "trailers"] as const) {
  call.on(event, (headers) => {
    const code = headers["grpc-status"];
    if (code !== undefined && code !== "0") failure = `answers with status ${code}: ${headers["grpc-message"] ?? ""}`;
  });
}
call.on("error", (error) => end(`ends the call: ${error.message}`));
call.on("data", (chunk: Buffer) => chunks.push(chunk));
call.on("end", () => setImmediate(() => end(failure ?? answerOf(Buffer.concat(chunks)))));
call.end(question(service));
