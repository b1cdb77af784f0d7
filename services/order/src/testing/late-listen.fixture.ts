// Loaded before main.ts: its server listens late, so that whatever was begun before shows. SIGTERM_AT_LISTEN=1: it is told
// to stop right then.
import { Server } from "node:net";

/** More than a worker needs to take its first order. */
const LATE_MS = 400;

const listen: (...args: never[]) => unknown = Reflect.get(Server.prototype, "listen");
Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  setTimeout(() => {
    if (process.env["SIGTERM_AT_LISTEN"] === "1") process.emit("SIGTERM", "SIGTERM");
    Reflect.apply(listen, this, args);
  }, LATE_MS);
  return this;
};
