import { connect as openSocket, type NetConnectOpts, type Socket } from "node:net";
import { Http2SubchannelConnector } from "@grpc/grpc-js/build/src/transport.js";

/** Channel option: the longest that one attempt to connect may take, from TCP's first packet to the peer's SETTINGS. Unit: milliseconds. */
export const CONNECT_TIMEOUT = "holdfast.connect_timeout_ms";

type Options = Readonly<Record<string, unknown>>;

/** What grpc-js has inside: one per subchannel, for all its attempts, one after the other. */
interface Connector {
  connect(address: NetConnectOpts, secureConnector: unknown, options: Options): Promise<Transport>;
  tcpConnect(address: NetConnectOpts, options: Options): Promise<Socket>;
}

interface Transport {
  shutdown(): void;
}

/**
 * grpc-js waits for a peer's SETTINGS without end (grpc-node issue 2785). nice-grpc ends an attempt, and with it every socket that
 * the subchannel has ever opened and not closed: one that had GOAWAY and still has calls under way, too. This ends the
 * attempt's own, and only that.
 */
function boundAttempts(connector: Connector): void {
  const connect: Connector["connect"] = Reflect.get(connector, "connect");
  const tcpConnect: Connector["tcpConnect"] = Reflect.get(connector, "tcpConnect");
  const sockets = new WeakMap<Connector, Socket[]>();

  connector.tcpConnect = function (address, options) {
    const own = sockets.get(this);
    if (own === undefined) return Reflect.apply(tcpConnect, this, [address, options]);
    // Without the proxy that grpc-js would look for: no channel with a limit has one.
    const socket = openSocket(address);
    // Before it is connected: the kernel goes on for two minutes with one that nobody answers.
    own.push(socket);
    return connected(socket);
  };

  connector.connect = async function (...args) {
    const [, , { [CONNECT_TIMEOUT]: timeoutMs }] = args;
    if (typeof timeoutMs !== "number") return Reflect.apply(connect, this, args);
    const own: Socket[] = [];
    sockets.set(this, own);
    const attempt: Promise<Transport> = Reflect.apply(connect, this, args);
    const { promise: tooLate, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new Error(`Not connected within ${timeoutMs} ms`));
      for (const socket of own) socket.destroy();
      // One that comes up after all is of no use any more.
      attempt.then((transport) => transport.shutdown()).catch(() => undefined);
    }, timeoutMs);
    timer.unref();
    try {
      return await Promise.race([attempt, tooLate]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Rejects if it is closed before. */
function connected(socket: Socket): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const onClose = () => reject(new Error("Socket closed"));
  socket.once("error", reject).once("close", onClose);
  socket.once("connect", () => {
    socket.off("error", reject).off("close", onClose);
    resolve(socket);
  });
  return promise;
}

const found: unknown = Http2SubchannelConnector.prototype;
if (!isConnector(found)) throw new TypeError("Cannot bound attempts to connect: grpc-js has other insides");
boundAttempts(found);

function isConnector(value: unknown): value is Connector {
  return ["connect", "tcpConnect"].every((name) => typeof Reflect.get(Object(value), name) === "function");
}
