// SPDX-License-Identifier: MIT
/**
 * Copy:    server/auth.ts
 * Place:   server, after load shedding (a refused call costs no cryptography), before authorisation, quotas and all that
 *          reads the request.
 * Does:    finds out who calls, from a bearer token or the certificate of mutual TLS, before the request is read, and
 *          puts the principal into the context of all that follows.
 * Doesn't: know a kind of token, keep what has been verified, or bound how long `verify` takes: the verifier does. It
 *          does not say who may call what either: server/authorize.ts.
 * With:    context.ts, status.ts
 * Source:  RFC 6750 (bearer tokens); SPIFFE X.509-SVID (exactly one URI among a certificate's names).
 */
import { randomBytes, randomUUID } from "node:crypto";
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { harmless, newContext, type Principal, type RpcContext, rpcContext } from "../context.ts";
import { statusOf } from "../status.ts";

/** What a caller shows; at least one of the two. */
export interface Credentials {
  /** Of `authorization: Bearer …`. Not verified yet. */
  readonly token?: string;
  /** The one URI among the names of a client certificate that the TLS handshake has verified. */
  readonly certificateUri?: string;
}

/** Tells whose credentials these are: undefined when they are not valid. It throws when it cannot find that out. */
export type Verify = (
  credentials: Credentials,
  metadata: Metadata,
) => Principal | undefined | Promise<Principal | undefined>;

/** What became of a call's credentials. */
export type AuthEvent =
  | { readonly kind: "refused"; readonly path: string; readonly why: "absent" | "malformed" | "invalid" }
  /** `verify` threw, or something behind this interceptor did. */
  | { readonly kind: "unverifiable" | "threw"; readonly path: string; readonly error: unknown };

export interface AuthenticateOptions {
  verify: Verify;
  /** What counts as credentials. @default bearer tokens only */
  accept?: readonly ("bearer" | "certificate")[];
  /** Methods that anybody may call, `/package.Service/Method` or `/package.Service/*`. They get no principal. @default none */
  publicMethods?: readonly string[];
  /** When to come back after `verify` threw. @default 1_000 */
  retryAfterMs?: number;
  observe?: (event: AuthEvent) => void;
}

/** Lets in whom `verify` knows. Absent credentials are refused like wrong ones: nothing is open but what is listed. */
export function authenticate(options: AuthenticateOptions): ServerInterceptor {
  const { verify, accept = ["bearer"], publicMethods = [], retryAfterMs = 1_000 } = options;
  const tell = harmless(options.observe);
  requireOptions(accept, publicMethods, retryAfterMs);
  const open = new Set(publicMethods);

  return ({ path }, call) => {
    // The same interface; grpc-js' type names the class.
    if (open.has(path) || open.has(`${path.slice(0, path.lastIndexOf("/"))}/*`)) return call as ServerInterceptingCall;
    let known = false;
    let over = false;
    /** Where there was none from further out. */
    let own: RpcContext | undefined;
    const within = (work: () => void): void => (own === undefined ? work() : rpcContext.run(own, work));

    const refuse = (why: "absent" | "malformed" | "invalid"): void => {
      tell?.({ kind: "refused", path, why });
      call.sendStatus(unauthenticated(why));
    };
    const fail = (error: unknown): void => {
      if (over) return;
      tell?.({ kind: known ? "threw" : "unverifiable", path, error });
      call.sendStatus(known ? internalError() : unverifiable(retryAfterMs));
    };

    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, accepted) => {
            const shown = readCredentials(accept, metadata, call);
            if (typeof shown === "string") return refuse(shown);
            const settle = (principal: Principal | undefined): void => {
              // The caller may have gone away meanwhile: then nobody is there to be served or refused.
              if (over) return;
              if (principal === undefined) return refuse("invalid");
              known = true;
              const context = rpcContext.get();
              if (context === undefined) own = looseContext(principal);
              else rpcContext.amend(context, { principal });
              within(() => accepted(metadata));
            };
            // Nothing of the request has been read, and nothing will be before `accepted` is called.
            judge(() => verify(shown, metadata))
              .then(settle)
              .catch(fail);
          },
          onReceiveMessage: (message, accepted) => within(() => accepted(message)),
          onReceiveHalfClose: (accepted) => within(accepted),
          onCancel: () => {
            over = true;
          },
        }),
    });
  };
}

/** What is thrown at once is a rejection as well. */
async function judge(verify: () => ReturnType<Verify>): Promise<Principal | undefined> {
  return await verify();
}

/** What the caller shows of what is accepted, or why that is nothing. */
export function readCredentials(
  accept: readonly ("bearer" | "certificate")[],
  metadata: Metadata,
  call: Pick<ServerInterceptingCallInterface, "getAuthContext">,
): Credentials | "absent" | "malformed" {
  const sent = accept.includes("bearer") ? metadata.get("authorization") : [];
  const [, token] = /^bearer +([\w.~+/-]+=*)$/i.exec(sent.length === 1 ? String(sent[0]) : "") ?? [];
  // Not passed over for a certificate that is fine: who sends a token wants to be judged by it.
  if (sent.length > 0 && token === undefined) return "malformed";
  // Reading a certificate costs more than all the rest here.
  const certificateUri = accept.includes("certificate") ? readCertificateUri(call) : undefined;
  if (token === undefined && certificateUri === undefined) return "absent";
  return { ...(token !== undefined && { token }), ...(certificateUri !== undefined && { certificateUri }) };
}

/** grpc-js gives no certificate that the handshake has not verified. */
function readCertificateUri(call: Pick<ServerInterceptingCallInterface, "getAuthContext">): string | undefined {
  const uris = urisOf(call.getAuthContext().sslPeerCertificate?.subjectaltname ?? "");
  // With two, which one is meant would be a guess. Source: SPIFFE X.509-SVID, 2.
  return uris.length === 1 ? uris[0] : undefined;
}

/** The URIs in Node's text form of the names, where one that holds a comma or a quote is written as JSON. */
export function urisOf(names: string): string[] {
  const found = names.matchAll(/(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g);
  return [...found]
    .filter(([, kind]) => kind === "URI")
    .map(([, , value = ""]) => (value.startsWith('"') ? String(JSON.parse(value)) : value));
}

function unauthenticated(why: "absent" | "malformed" | "invalid"): StatusObject {
  return statusOf(status.UNAUTHENTICATED, `Cannot accept the call: its credentials are ${why}`, {
    reason: "UNAUTHENTICATED",
    metadata: { credentials: why },
  });
}

/** Not UNAUTHENTICATED: the caller would throw away credentials that may be fine. */
function unverifiable(retryAfterMs: number): StatusObject {
  const text = "Cannot accept the call: its credentials cannot be verified at the moment";
  return statusOf(status.UNAVAILABLE, text, { reason: "DEPENDENCY_UNAVAILABLE", retryAfterMs });
}

function internalError(): StatusObject {
  return statusOf(status.INTERNAL, "Internal error", { reason: "INTERNAL" });
}

/** Where server/context.ts is not in the chain: a context that carries the principal and nothing else. */
function looseContext(principal: Principal): RpcContext {
  const trace = { traceId: randomBytes(16).toString("hex"), spanId: randomBytes(8).toString("hex"), sampled: false };
  return newContext({ requestId: randomUUID(), trace, principal });
}

function requireOptions(accept: readonly string[], publicMethods: readonly string[], retryAfterMs: number): void {
  if (accept.length === 0) throw new TypeError("Cannot build authenticate: accept must name bearer or certificate");
  for (const path of publicMethods) {
    if (/^\/[\w.]+\/(\w+|\*)$/.test(path)) continue;
    throw new TypeError(`Cannot build authenticate: publicMethods must be like /package.Service/Method, has "${path}"`);
  }
  if (retryAfterMs >= 1 && retryAfterMs <= 3_600_000) return;
  throw new RangeError(`Cannot build authenticate: retryAfterMs must be 1 to 3600000, is ${retryAfterMs}`);
}
