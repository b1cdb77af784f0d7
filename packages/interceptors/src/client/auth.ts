// SPDX-License-Identifier: MIT
/**
 * Copy:    client/auth.ts
 * Place:   client, inside retry and attempt timeout, outside attempt telemetry: every attempt has a fresh token.
 * Does:    puts `authorization: Bearer …` on each attempt, from a cached token that is renewed ahead of its end. When the
 *          server says UNAUTHENTICATED before anything else, gets a new token and sends the call once more. A token
 *          that cannot be had is UNAVAILABLE: nobody has said that the caller is not who it is.
 * Doesn't: check whether the connection is encrypted; use it only on channels with TLS, or on loopback. Send a request
 *          stream again: its next call has the new token.
 * With:    context.ts, status.ts
 * Source:  RFC 6750.
 */
import {
  type InterceptingCall,
  type Interceptor,
  type InterceptorOptions,
  Metadata,
  type NextCall,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { type Clock, harmless, type Timer, systemClock } from "../context.ts";
import { isLocal, localStatus } from "../status.ts";

type LowerCall = ReturnType<NextCall>;
type Listener = NonNullable<Parameters<LowerCall["start"]>[1]>;
type SendContext = Parameters<LowerCall["sendMessageWithContext"]>[0];

export interface Token {
  value: string;
  /** In milliseconds since the epoch. Undefined: it holds until a server refuses it. */
  expiresAt?: number | undefined;
}

export interface AuthOptions {
  /** Gets a new token. Never called twice at once. */
  token: () => Promise<Token>;
  /** How long before its end a token is renewed, at most a fifth of its life. @default 30_000 */
  refreshAheadMs?: number;
  /** A token younger than this is not renewed because a server refuses it: the token is not the reason. @default 1_000 */
  minRefreshMs?: number;
  observe?: (event: AuthEvent) => void;
}

export type AuthEvent =
  /** A new token is there. */
  | { kind: "refreshed" }
  | { kind: "refresh_failed"; error: unknown }
  /** A server refused the token, and the call is sent once more. */
  | { kind: "sent_again"; path: string };

const HEADER = "authorization";

/** RFC 6750's b64token: what can be in the header, and no line breaks. */
const BEARER = /^[\w.~+/-]+=*$/;

/** The one token of a channel. Asks the source once, however many calls wait. */
export class TokenCache {
  readonly #options: AuthOptions;
  readonly #observe: AuthOptions["observe"];
  #token: { value: string; since: number; refreshAt: number; expiresAt: number } | undefined;
  #asked: Promise<string> | undefined;

  constructor(options: AuthOptions) {
    this.#options = options;
    this.#observe = harmless(options.observe);
  }

  /** The token if it still holds. Close to its end a new one is asked for, without waiting. */
  current(clock: Clock): string | undefined {
    const now = clock.now();
    if (this.#token === undefined || now >= this.#token.expiresAt) return undefined;
    // A failure is told to `observe`; the token that is there still holds.
    if (now >= this.#token.refreshAt) this.renew(clock).catch(() => undefined);
    return this.#token.value;
  }

  /** A new token. @throws What the source throws, or TypeError if it gives something that is not a token. */
  renew(clock: Clock): Promise<string> {
    this.#asked ??= this.#ask(clock).finally(() => (this.#asked = undefined));
    return this.#asked;
  }

  /** A server has refused this token. Forgotten unless it is quite new, or another has taken its place. */
  refuse(value: string, now: number): void {
    const { minRefreshMs = 1_000 } = this.#options;
    if (this.#token?.value === value && now - this.#token.since >= minRefreshMs) this.#token = undefined;
  }

  async #ask(clock: Clock): Promise<string> {
    const { token, refreshAheadMs = 30_000 } = this.#options;
    try {
      const { value, expiresAt = Infinity } = await token();
      if (!BEARER.test(value)) throw new TypeError("Cannot use the token: it is not a bearer token");
      const since = clock.now();
      const ahead = Math.max(0, Math.min(refreshAheadMs, (expiresAt - since) / 5));
      this.#token = { value, since, refreshAt: expiresAt - ahead, expiresAt };
      this.#observe?.({ kind: "refreshed" });
      return value;
    } catch (error) {
      this.#observe?.({ kind: "refresh_failed", error });
      throw error;
    }
  }
}

/** Puts a bearer token on every attempt. @throws {TypeError | RangeError} If an option cannot be what it is. */
export function auth(options: AuthOptions, { clock = systemClock }: { clock?: Clock | undefined } = {}): Interceptor {
  if (typeof options.token !== "function") {
    throw new TypeError(`Cannot build auth: token must be a function, is ${typeof options.token}`);
  }
  for (const name of ["refreshAheadMs", "minRefreshMs"] as const) {
    const value = options[name] ?? 0;
    if (!(value >= 0)) throw new RangeError(`Cannot build auth: ${name} must be 0 to Infinity, is ${value}`);
  }
  const house = { cache: new TokenCache(options), clock, observe: harmless(options.observe) };
  return (call, nextCall) => {
    const authorized: LowerCall = new AuthorizedCall(house, call, nextCall);
    return authorized as InterceptingCall;
  };
}

interface House {
  cache: TokenCache;
  clock: Clock;
  observe: AuthOptions["observe"];
}

/** What the caller does is written down while there is no call below, and as long as it may have to be done again. */
class AuthorizedCall implements LowerCall {
  readonly #house: House;
  readonly #options: InterceptorOptions;
  readonly #nextCall: NextCall;
  #metadata!: Metadata;
  #listener: Listener | undefined;
  #lower: LowerCall | undefined;
  /** Whether a token is being waited for: nothing goes below meanwhile. */
  #waiting = true;
  /** Undefined once nothing can be sent again. */
  #steps: ((call: LowerCall) => void)[] | undefined = [];
  #sentAgain = false;
  /** How the call ended while it waited. */
  #result: StatusObject | undefined;
  #timer: Timer | undefined;
  #received = false;

  constructor(house: House, options: InterceptorOptions, nextCall: NextCall) {
    this.#house = house;
    this.#options = options;
    this.#nextCall = nextCall;
  }

  start(metadata: Metadata, listener: Listener = {}): void {
    const { cache, clock } = this.#house;
    this.#metadata = metadata;
    this.#listener = listener;
    if (this.#result !== undefined) return this.#deliverSoon(this.#result);
    // The caller's own credentials win.
    if (metadata.get(HEADER).length > 0) return this.#begin(metadata, undefined);
    const token = cache.current(clock);
    if (token === undefined) this.#wait(cache.renew(clock), (fresh) => this.#authorize(fresh));
    else this.#authorize(token);
  }

  sendMessageWithContext(context: SendContext, message: unknown): void {
    let left = context;
    this.#do((call) => {
      call.sendMessageWithContext(left, message);
      // Its writer hears of a message once, also when it is sent twice.
      left = context.flags === undefined ? {} : { flags: context.flags };
    });
  }
  sendMessage(message: unknown): void {
    this.sendMessageWithContext({}, message);
  }
  halfClose(): void {
    this.#do((call) => call.halfClose());
  }
  startRead(): void {
    this.#do((call) => call.startRead());
  }
  cancelWithStatus(code: status, details: string): void {
    this.#steps = undefined;
    if (this.#waiting) this.#finish({ code, details, metadata: new Metadata() });
    else this.#lower?.cancelWithStatus(code, details);
  }
  getPeer(): string {
    return this.#lower?.getPeer() ?? "unknown";
  }
  getAuthContext(): ReturnType<LowerCall["getAuthContext"]> {
    return this.#lower?.getAuthContext() ?? null;
  }

  #do(step: (call: LowerCall) => void): void {
    this.#steps?.push(step);
    if (!this.#waiting && this.#lower !== undefined) step(this.#lower);
  }

  /** There is no call below whose timer would end this one at its deadline. */
  #wait(token: Promise<string>, goOn: (token: string) => void): void {
    const { clock } = this.#house;
    const { path } = this.#options.method_definition;
    const end = (code: status, reason: string, why: string): void => this.#finish(failed(code, reason, path, why));
    this.#waiting = true;
    this.#timer = clock.setTimeout(
      () => end(status.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the token took too long"),
      Number(this.#options.deadline ?? Infinity) - clock.now(),
    );
    const noToken = (): void => end(status.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "there is no token");
    const begin = (value: string): void => {
      this.#timer?.cancel();
      if (this.#result === undefined) goOn(value);
    };
    // The channel was closed meanwhile, or something inside throws: nobody else is left to tell the caller.
    const cannot = (error: unknown): void => end(status.INTERNAL, "INTERNAL", String(error));
    token.then(begin, noToken).catch(cannot);
  }

  #authorize(token: string): void {
    // The next attempt starts with the same Metadata.
    const stamped = this.#metadata.clone();
    stamped.set(HEADER, `Bearer ${token}`);
    this.#begin(stamped, token);
  }

  #begin(metadata: Metadata, token: string | undefined): void {
    const { requestStream, responseStream } = this.#options.method_definition;
    const lower = this.#nextCall(this.#options);
    this.#lower = lower;
    this.#waiting = false;
    lower.start(metadata, {
      onReceiveMetadata: (received) => {
        this.#steps = undefined;
        this.#listener?.onReceiveMetadata?.(received);
      },
      onReceiveMessage: (message) => {
        // No response, which the status explains: the call may still be sent again.
        if (message === null && !responseStream) return;
        this.#steps = undefined;
        this.#received = true;
        this.#listener?.onReceiveMessage?.(message);
      },
      onReceiveStatus: (result) => this.#onStatus(result, token),
    });
    if (this.#lower !== lower || this.#waiting) return;
    for (const step of this.#steps ?? []) step(lower);
    if (requestStream || token === undefined || this.#sentAgain) this.#steps = undefined;
  }

  #onStatus(result: StatusObject, token: string | undefined): void {
    const { cache, clock, observe } = this.#house;
    if (token === undefined || result.code !== status.UNAUTHENTICATED || isLocal(result)) return this.#deliver(result);
    cache.refuse(token, clock.now());
    if (this.#steps === undefined) return this.#deliver(result);
    const sendAgain = (fresh: string): void => {
      if (fresh === token) return this.#deliver(result);
      this.#sentAgain = true;
      observe?.({ kind: "sent_again", path: this.#options.method_definition.path });
      this.#authorize(fresh);
    };
    // Another call may have been refused before, and have a new one already.
    const known = cache.current(clock);
    if (known === undefined) this.#wait(cache.renew(clock), sendAgain);
    else sendAgain(known);
  }

  /** Ends a call that waits. */
  #finish(result: StatusObject): void {
    if (this.#result !== undefined) return;
    this.#result = result;
    this.#timer?.cancel();
    if (this.#listener !== undefined) this.#deliverSoon(result);
  }

  /** In a later turn than whatever led to it, as every other call does. */
  #deliverSoon(result: StatusObject): void {
    process.nextTick(() => this.#deliver(result));
  }

  #deliver(result: StatusObject): void {
    if (!this.#received && !this.#options.method_definition.responseStream) this.#listener?.onReceiveMessage?.(null);
    this.#listener?.onReceiveStatus?.(result);
  }
}

function failed(code: status, reason: string, path: string, why: string): StatusObject {
  return localStatus(code, `Cannot call ${path}: ${why}`, { reason, metadata: { method: path } });
}
