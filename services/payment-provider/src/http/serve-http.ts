import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "@holdfast/process";
import type { Reply } from "./handler.ts";
import { HttpError } from "./http-error.ts";
import type { Routes } from "./routes.ts";

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /** Takes no new connection, finishes what was begun, also for clients that went away, then resolves. */
  close(): Promise<void>;
}

/** Serves the routes as JSON over HTTP/1.1. @throws {Error} If the address cannot be listened on. */
export async function serveHttp(
  routes: Routes,
  { listen, log }: { listen: { host: string; port: number }; log: Logger },
): Promise<HttpServer> {
  const begun = new Set<Promise<void>>();
  const server = createServer(
    {
      // A request has 2 KiB at most: what takes longer than this is no client, or a broken one.
      headersTimeout: 5_000,
      requestTimeout: 10_000,
      // Node looks for late requests every 30 s unless told otherwise.
      connectionsCheckingInterval: 1_000,
      // Longer than the idle time of Node's clients, so that they close first and no request meets a closing socket.
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16 * 1024,
    },
    (request, response) => {
      const work = serve(request, response).finally(() => begun.delete(work));
      begun.add(work);
    },
  );
  server.maxConnections = 1_000;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await replyTo(request);
    if (reply === "drop") {
      request.socket.destroy();
      return;
    }
    if (!server.listening) response.setHeader("connection", "close");
    response.writeHead(reply.status, {
      ...reply.headers,
      "content-type": "application/json",
      "cache-control": "no-store",
    });
    response.end(`${JSON.stringify(reply.body)}\n`);
  }

  async function replyTo(raw: IncomingMessage): Promise<Reply> {
    try {
      const [path = "", search = ""] = (raw.url ?? "").split("?", 2);
      const methods = Object.hasOwn(routes, path) ? routes[path] : undefined;
      if (methods === undefined) throw new HttpError(404, "not_found", "no such path");
      const method = raw.method ?? "";
      const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (handler === undefined) {
        const allow = Object.keys(methods).join(", ");
        throw new HttpError(405, "method_not_allowed", `allowed: ${allow}`, { allow });
      }
      return await handler({ raw, query: new URLSearchParams(search) });
    } catch (err) {
      if (err instanceof HttpError) {
        return { status: err.status, body: { error: err.error, reason: err.reason }, headers: err.headers };
      }
      log.error({ err, method: raw.method, path: raw.url }, "request failed");
      return { status: 500, body: { error: "internal" } };
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "another process has this port" : cause.message;
      reject(new Error(`Cannot listen on ${listen.host}:${listen.port}: ${why}`, { cause }));
    });
    server.listen(listen.port, listen.host, resolve);
  });
  const { address, port } = server.address() as AddressInfo;

  return {
    host: address,
    port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Answers first, then the connections: one that is kept alive would hold the server open for a minute.
      while (begun.size > 0) await Promise.all(begun);
      server.closeIdleConnections();
      await closed;
    },
  };
}
