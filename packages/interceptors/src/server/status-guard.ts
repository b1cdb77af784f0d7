// SPDX-License-Identifier: MIT
/**
 * Copy:    server/status-guard.ts
 * Place:   server, index 0: nearest to the wire, outside of nothing. The only place where grpc-js' own statuses are seen.
 * Does:    sees to it that every call ends with exactly one status, and one that can be sent; gives the statuses that
 *          grpc-js makes by itself (message too large, bad gzip, deadline, …) an ErrorInfo and a text of ours.
 * Doesn't: see calls of methods that nobody serves: for those grpc-js runs no interceptors.
 * With:    context.ts, passing-call.ts, status.ts
 * Source:  AIP-193; RFC 9113 section 8.2 for the headers that HTTP/2 forbids; gRFC A6 for the limit of the trailer block.
 */
import {
  Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { type Clock, harmless, rpcContext, systemClock, unseenStatus } from "../context.ts";
import { asCall, PassingCall, type PartialStatus } from "../passing-call.ts";
import { fitText, STATUS_DETAILS_KEY, type StatusDetails, statusOf } from "../status.ts";

/** What went wrong. The client gets a status all the same. */
export type StatusGuardEvent =
  /** A listener above threw, or the wire would not take what was sent. */
  | { type: "threw"; path: string; error: unknown }
  /** A part of a status or of headers that could not have been sent was left out. */
  | { type: "mended"; path: string; what: string };

/** A status without details that is about to go out. */
export interface Unexplained {
  code: status;
  /** Made by grpc-js over what came in, over how many messages came, or over what was to go out; or sent from above. */
  origin: "reading" | "counting" | "sending" | "handling";
  path: string;
  /** Empty when the caller gave none and no context has been made yet. */
  requestId: string;
}

/** What such a status means to the caller. */
export interface Explanation {
  code: status;
  text: string;
  details: StatusDetails;
}

export interface StatusGuardOptions {
  /** What a status without details means. Undefined: it goes out as it is. @default explainStatus */
  explain?: (status: Unexplained) => Explanation | undefined;
  observe?: (event: StatusGuardEvent) => void;
}

export interface Env {
  clock?: Clock;
}

/** Trailers beside `grpc-status` and `grpc-message`, as gRPC and HTTP/2 count them. Unit: bytes. */
const MAX_TRAILER_BYTES = 7_168;
/** What would be taken for the status itself, or may not stand in an HTTP/2 header block. */
const RESERVED =
  /^(:.*|grpc-(status|message|encoding|accept-encoding|timeout)|content-(type|length)|connection|keep-alive|proxy-connection|transfer-encoding|upgrade|http2-settings|te|host)$/;

/** Lets exactly one status through to the wire, mended where it could not have been sent. */
export function statusGuard(options: StatusGuardOptions = {}, { clock = systemClock }: Env = {}): ServerInterceptor {
  return ({ path, requestStream }, call) => {
    // grpc-js keeps a timeout in 32 bits: one of more than 24.8 days comes out as negative, and would end the call at once.
    const endless = Number(call.getDeadline()) < clock.now() - 1_000;
    return asCall(new GuardedCall(call, options, { path, requestStream, endless }));
  };
}

interface Guarding {
  path: string;
  requestStream: boolean;
  endless: boolean;
}

const GUARD = Symbol("status guard");

/** One for all calls: a function of its own in each would keep the garbage of short calls for the slow collector. */
function sendOfLibrary(this: { [GUARD]: GuardedCall }, result: PartialStatus): void {
  this[GUARD].sendOfLibrary(result);
}

class GuardedCall extends PassingCall {
  readonly #send: ServerInterceptingCallInterface["sendStatus"];
  readonly #options: StatusGuardOptions;
  readonly #guarding: Guarding;
  /** The status that those above have not seen. */
  #unseen: StatusObject | undefined;
  #requestId = "";
  #received = 0;
  #sending = false;
  #over = false;
  #told = false;

  constructor(call: ServerInterceptingCallInterface, options: StatusGuardOptions, guarding: Guarding) {
    super(call);
    this.#options = options;
    this.#guarding = guarding;
    this.#send = call.sendStatus.bind(call);
    // grpc-js calls this very method for the statuses that it makes by itself.
    Object.assign(call, { [GUARD]: this, sendStatus: sendOfLibrary });
  }

  override onReceiveMetadata(metadata: Metadata): void {
    const [sent] = metadata.get("x-request-id");
    if (typeof sent === "string" && /^[\w.-]{8,128}$/.test(sent)) this.#requestId = sent;
    this.#attempt(() => super.onReceiveMetadata(metadata));
  }

  override onReceiveMessage(message: unknown): void {
    this.#received += 1;
    this.#attempt(() => super.onReceiveMessage(message));
  }

  override onReceiveHalfClose(): void {
    this.#attempt(() => super.onReceiveHalfClose());
  }

  override onCancel(): void {
    this.#tell();
  }

  override sendMetadata(metadata: Metadata): void {
    if (!this.#over) this.#attempt(() => super.sendMetadata(this.#sendable(metadata)));
  }

  override sendMessage(message: unknown, callback: () => void): void {
    if (this.#over) return;
    this.#sending = true;
    this.#attempt(() => super.sendMessage(message, callback));
    this.#sending = false;
  }

  override sendStatus(result: PartialStatus): void {
    // grpc-js' handling of unary requests says UNIMPLEMENTED of one with no message, or with two.
    const miscounted = !this.#guarding.requestStream && this.#received !== 1 && result.code === status.UNIMPLEMENTED;
    if (!this.#over) this.#attempt(() => this.#end(this.#explained(result, miscounted ? "counting" : "handling")));
  }

  /** Of a status that grpc-js has made. */
  sendOfLibrary(result: PartialStatus): void {
    if (this.#over || (this.#guarding.endless && result.code === status.DEADLINE_EXCEEDED)) return;
    this.#attempt(() => this.#endAndTell(this.#explained(result, this.#sending ? "sending" : "reading")));
  }

  #explained(given: PartialStatus, origin: Unexplained["origin"]): PartialStatus {
    const known = Number.isInteger(given.code) && given.code >= status.OK && given.code <= status.UNAUTHENTICATED;
    if (!known) this.#mended(`code ${String(given.code)}`);
    const result = known ? given : { ...given, code: status.UNKNOWN };
    if (result.code === status.OK || (result.metadata?.get(STATUS_DETAILS_KEY).length ?? 0) > 0) return result;
    const { explain = explainStatus } = this.#options;
    const { path } = this.#guarding;
    const requestId = rpcContext.get()?.requestId ?? this.#requestId;
    const explanation = explain({ code: result.code, origin, path, requestId });
    return explanation ? statusOf(explanation.code, explanation.text, explanation.details) : result;
  }

  #end({ code, details, metadata }: PartialStatus): StatusObject {
    // Whatever the type says: it comes from JavaScript's throws, too.
    const text: unknown = details;
    const sent = {
      code,
      details: typeof text === "string" ? fitText(text) : "",
      metadata: this.#sendable(metadata ?? undefined),
    };
    this.#send(sent);
    this.#over = true;
    return sent;
  }

  /** Of an end that those above do not know of. */
  #endAndTell(result: PartialStatus): void {
    this.#unseen = this.#end(result);
    // At once, before one of those above answers too. grpc-js tells of an end when its last byte has gone out, which a
    // reader that stalls puts off for ever.
    this.#tell();
  }

  /** Tells those above, once, that the call is over. */
  #tell(): void {
    if (this.#told) return;
    this.#told = true;
    this.#over = true;
    // A stream outlives its call in HTTP/2's books: this lets go of the chain that hangs on it.
    this.#attempt(() => unseenStatus.during(this.#unseen, () => super.onCancel()));
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#observe({ type: "threw", path: this.#guarding.path, error });
      this.#giveUp();
    }
  }

  #giveUp(): void {
    if (this.#over) return;
    try {
      const requestId = rpcContext.get()?.requestId ?? this.#requestId;
      this.#endAndTell(statusOf(status.INTERNAL, "Internal error", { reason: "INTERNAL", requestId }));
    } catch (error) {
      // The stream is broken: the client sees it end without a status, which is one too.
      this.#over = true;
      this.#observe({ type: "threw", path: this.#guarding.path, error });
    }
  }

  /** What of the metadata can be sent, google.rpc.Status first. */
  #sendable(metadata: Metadata | undefined): Metadata {
    if (metadata === undefined) return new Metadata();
    const entries = Object.entries(metadata.toJSON());
    // Those of most calls.
    if (entries.length === 0) return metadata;
    const sendable = new Metadata();
    let room = MAX_TRAILER_BYTES;
    const isDetails = ([key]: [string, unknown]) => Number(key === STATUS_DETAILS_KEY);
    for (const [key, values] of entries.sort((a, b) => isDetails(b) - isDetails(a))) {
      for (const value of values) {
        // HTTP/2 counts 32 bytes more for each header, and binary ones travel as base64.
        const bytes = key.length + 32 + (Buffer.isBuffer(value) ? Math.ceil(value.length / 3) * 4 : value.length);
        if (bytes > room || RESERVED.test(key) || !added(sendable, key, value)) this.#mended(`metadata ${key}`);
        else room -= bytes;
      }
    }
    return sendable;
  }

  #mended(what: string): void {
    this.#observe({ type: "mended", path: this.#guarding.path, what });
  }

  #observe(event: StatusGuardEvent): void {
    harmless(this.#options.observe)?.(event);
  }
}

function added(metadata: Metadata, key: string, value: string | Buffer): boolean {
  try {
    metadata.add(key, value);
    return true;
  } catch {
    // Not ASCII, or not of the type that the key has: grpc-js says no more than that.
    return false;
  }
}

/**
 * The texts of grpc-js are for those who run the server, and its codes blame the server for bytes that the client sent.
 * Undefined for what a handler said, unless it is the UNKNOWN that becomes of any error: its text may be of the inside.
 */
export function explainStatus({ code, origin, requestId }: Unexplained): Explanation | undefined {
  const internal = { code: status.INTERNAL, text: "Internal error", details: { reason: "INTERNAL", requestId } };
  if (origin === "handling") return code === status.UNKNOWN ? internal : undefined;
  if (origin === "counting") return malformed("must be exactly one message");
  switch (code) {
    case status.RESOURCE_EXHAUSTED: {
      const text = `Cannot ${origin === "sending" ? "send" : "accept"} the message: it is larger than the server takes`;
      return { code, text, details: { reason: "MESSAGE_TOO_LARGE" } };
    }
    case status.UNIMPLEMENTED: {
      const text = "Cannot read the message: the server does not know its compression";
      return { code, text, details: { reason: "UNIMPLEMENTED" } };
    }
    case status.DEADLINE_EXCEEDED:
      return { code, text: "The deadline passed", details: { reason: "DEADLINE_EXCEEDED" } };
    default:
      return origin === "sending" ? internal : malformed("must be framed, compressed and timed as gRPC has it");
  }
}

/** Bytes that are no request of the method. */
function malformed(description: string): Explanation {
  const details = { reason: "MALFORMED_REQUEST", violations: [{ field: "", description }] };
  return { code: status.INVALID_ARGUMENT, text: `Cannot read the request: it ${description}`, details };
}
