// SPDX-License-Identifier: MIT
// A server of its own process, told what to do over IPC: see backend.ts.
import { Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { errorInfo } from "./error-info.ts";

/** What the server does with calls from now on. */
export interface Behaviour {
  delayMs: number;
  /** The status of every call; 0 answers. */
  code: number;
  /** ErrorInfo of a status other than 0; empty means none. */
  reason: string;
  /** ServingStatus: 1 is SERVING, 2 is NOT_SERVING. */
  health: number;
}

type Call = ServerDuplexStream<Buffer, Buffer>;

const behaviour: Behaviour = { delayMs: 0, code: 0, reason: "", health: 1 };
const watchers = new Set<Call>();
let calls = 0;
let port = Number(process.argv[2] ?? 0);

const asIs = (bytes: Buffer): Buffer => bytes;
const method = (path: string) => ({
  path,
  requestStream: true,
  responseStream: true,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});

const serving = (): Buffer => Buffer.from([0x08, behaviour.health]);

const server = new Server();
server.addService(
  { Echo: method("/test.v1.Test/Echo") },
  {
    Echo: (call: Call) => {
      calls++;
      call.on("data", () => undefined);
      setTimeout(() => {
        const { code, reason } = behaviour;
        if (code !== 0) {
          const metadata = reason === "" ? {} : { metadata: errorInfo(reason) };
          call.emit("error", { code, details: "as told", ...metadata });
          return;
        }
        call.write(Buffer.from(String(port)));
        call.end();
      }, behaviour.delayMs);
    },
  },
);
if (process.argv[3] !== "no-health") {
  server.addService(
    { Check: method("/grpc.health.v1.Health/Check"), Watch: method("/grpc.health.v1.Health/Watch") },
    {
      Check: (call: Call) => {
        call.on("data", () => undefined);
        call.write(serving());
        call.end();
      },
      Watch: (call: Call) => {
        call.on("data", () => undefined);
        call.on("cancelled", () => watchers.delete(call));
        watchers.add(call);
        call.write(serving());
      },
    },
  );
}

process.on("message", (message: Partial<Behaviour> | "count") => {
  if (message === "count") {
    process.send?.({ calls, watchers: watchers.size });
    return;
  }
  Object.assign(behaviour, message);
  if (message.health !== undefined) for (const call of watchers) call.write(serving());
  process.send?.("done");
});
// The test has gone.
process.on("disconnect", () => process.exit(0));

server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
  if (error !== null) {
    process.exitCode = status.UNAVAILABLE;
    process.disconnect();
    return;
  }
  port = bound;
  process.send?.({ port });
});
