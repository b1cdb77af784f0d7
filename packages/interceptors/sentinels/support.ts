import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientDuplexStream, Metadata, type StatusObject } from "@grpc/grpc-js";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";
import type { rawClient } from "../src/testing/raw-server.ts";

/** What a sentinel says when it fails: nothing has broken, a workaround has become needless. */
export function mended(defect: string, workaround: string): string {
  return `Mended upstream: "${defect}". What stood in for it may go: ${workaround}`;
}

/** One call with one message, to its end. */
export function call(
  client: ReturnType<typeof rawClient>,
  name: string,
  options: { deadline?: number; metadata?: Metadata } = {},
): Promise<StatusObject> {
  const { metadata = new Metadata(), ...rest } = options;
  const stream = client.open(name, metadata, rest);
  stream.resume().end(Buffer.from("request"));
  return statusOf(stream);
}

/** How a call ends. */
export function statusOf(stream: ClientDuplexStream<Buffer, Buffer>): Promise<StatusObject> {
  // The status tells the same.
  stream.on("error", () => undefined);
  return new Promise((resolve) => void stream.once("status", resolve));
}

/** A proto as proto-loader reads it. */
export async function loadProto(text: string): Promise<PackageDefinition> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-sentinel-"));
  try {
    await writeFile(join(folder, "test.proto"), text);
    return loadSync(join(folder, "test.proto"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A service config for every method of the test service, as a channel option. */
export function serviceConfig(method: object, rest: object = {}): { "grpc.service_config": string } {
  const methodConfig = [{ name: [{ service: "test.v1.Test" }], ...method }];
  return { "grpc.service_config": JSON.stringify({ loadBalancingConfig: [], methodConfig, ...rest }) };
}

/** A call as a client that is not grpc-js may make it, with any headers. @returns The headers of the answer. */
export async function http2Call(target: string, headers: Record<string, string>): Promise<IncomingHttpHeaders> {
  const session = connect(`http://${target}`);
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": "/test.v1.Test/Get",
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    const answered: IncomingHttpHeaders = {};
    stream.on("response", (received) => Object.assign(answered, received));
    stream.on("trailers", (received) => Object.assign(answered, received));
    stream.resume().end(Buffer.alloc(5));
    await once(stream, "close");
    return answered;
  } finally {
    session.destroy();
  }
}

const CHILD = `
import * as grpc from "@grpc/grpc-js";
const asIs = (bytes) => bytes;
const method = { path: "/test.v1.Test/Get", requestStream: false, responseStream: false,
  requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs };
/** Serves one method, calls it once, and says whether the process is there afterwards. */
async function callOnce(handler, options = {}) {
  const server = new grpc.Server(options);
  server.addService({ Get: method }, { Get: handler });
  const port = await new Promise((resolve, reject) => server.bindAsync("127.0.0.1:0",
    grpc.ServerCredentials.createInsecure(), (error, port) => error ? reject(error) : resolve(port)));
  const client = new grpc.Client("127.0.0.1:" + port, grpc.credentials.createInsecure());
  client.makeUnaryRequest(method.path, asIs, asIs, Buffer.from("x"), { deadline: Date.now() + 1000 }, (error) => {
    console.log("survived with status", error?.code ?? 0);
    process.exit(0);
  });
}
`;

/** Runs a script that may end its process, with `callOnce(handler, serverOptions)` at hand. */
export function inChild(script: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const args = ["--input-type=module", "--eval", CHILD + script];
  const env = { ...process.env, NODE_OPTIONS: "" };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: import.meta.dirname, env, timeout: 10_000 }, (_, out, err) =>
      resolve({ code: child.exitCode, stdout: out, stderr: err }),
    );
  });
}
