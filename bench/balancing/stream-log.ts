import { subscribe } from "node:diagnostics_channel";
import type { ClientHttp2Stream, ServerHttp2Stream } from "node:http2";

/** One call as the wire has it: every attempt of a client's call is one. */
export interface Stream {
  /** When it was opened. Unit: milliseconds since the epoch. */
  at: number;
  /** Address of the other side. */
  peer: string;
  /** Value of the header {@link CALLER}: whose call it is. */
  caller: string;
}

/** The header in which a client names itself. */
export const CALLER = "bench-client";

interface Message {
  stream: ClientHttp2Stream | ServerHttp2Stream;
  headers: Record<string, unknown>;
}

/**
 * Notes every stream of HTTP/2 that this process opens, or accepts, from now on, and that names its caller: health checks do
 * not. Below any library, so that all are counted alike, whatever they tell of their attempts.
 */
export function logStreams(side: "client" | "server"): Stream[] {
  const streams: Stream[] = [];
  subscribe(`http2.${side}.stream.created`, (message) => {
    const { stream, headers } = message as Message;
    const caller = headers[CALLER];
    if (typeof caller !== "string") return;
    const peer = stream.session?.socket?.remoteAddress ?? "unknown";
    streams.push({ at: now(), peer, caller });
  });
  return streams;
}

/** The same for all processes of a machine. Unit: milliseconds since the epoch, with fractions. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
