// SPDX-License-Identifier: MIT
/**
 * Copy:    server/authorize.ts
 * Place:   server, right after authentication, before quotas and all that reads the request.
 * Does:    lets a principal call what a table of rules allows, one rule per method, before the request is read. What has no
 *          rule does not start: a method that somebody adds cannot be forgotten.
 * Doesn't: find out who calls (server/auth.ts), or look into the request: whose order it is, the handler must ask.
 * With:    context.ts, passing-call.ts, status.ts
 * Source:  gRPC's status codes: PERMISSION_DENIED only for a caller who is known.
 */
import {
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { harmless, type Principal, rpcContext } from "../context.ts";
import { asCall, PassingCall } from "../passing-call.ts";
import { statusOf } from "../status.ts";

/** Who may call a method. */
export type Rule =
  /** Anybody, known or not. */
  | "public"
  /** Whoever is known. */
  | "authenticated"
  /** Who has one of the roles or is one of the principals, by id. */
  | { readonly roles?: readonly string[]; readonly principals?: readonly string[] };

export interface AuthorizeOptions {
  /** Every method that the server has, as `/package.Service/Method`. */
  paths: readonly string[];
  /** The rule of each of them, by path. */
  rules: Readonly<Record<string, Rule>>;
  /** Told of each call that was refused. */
  observe?: (event: {
    readonly kind: "refused";
    readonly path: string;
    readonly principal: string | undefined;
  }) => void;
}

export type Verdict = "allowed" | "unknown_caller" | "denied";

/** What a rule says of a caller. No rule allows nothing. */
export function decide(rule: Rule | undefined, principal: Principal | undefined): Verdict {
  if (rule === "public") return "allowed";
  if (principal === undefined) return "unknown_caller";
  if (rule === "authenticated") return "allowed";
  const { roles = [], principals = [] } = rule ?? {};
  return principals.includes(principal.id) || roles.some((role) => principal.roles.includes(role))
    ? "allowed"
    : "denied";
}

/** Enforces the table. @throws {TypeError} If a method has no rule, or a rule has no method or could let nobody in. */
export function authorize({ paths, rules, observe }: AuthorizeOptions): ServerInterceptor {
  requireRules(paths, rules);
  const heard = harmless(observe);
  const table = new Map(Object.entries(rules));

  return ({ path }, call) => {
    const rule = table.get(path);
    if (rule === "public") return asCall(call);
    return asCall(new RuledCall(call, { path, rule, observe: heard }));
  };
}

interface Ruled {
  path: string;
  rule: Rule | undefined;
  observe: AuthorizeOptions["observe"];
}

class RuledCall extends PassingCall {
  readonly #ruled: Ruled;

  constructor(call: ServerInterceptingCallInterface, ruled: Ruled) {
    super(call);
    this.#ruled = ruled;
  }

  override onReceiveMetadata(metadata: Metadata): void {
    const { path, rule, observe } = this.#ruled;
    const principal = rpcContext.get()?.principal;
    const verdict = decide(rule, principal);
    if (verdict === "allowed") return super.onReceiveMetadata(metadata);
    observe?.({ kind: "refused", path, principal: principal?.id });
    this.refuse(refusal(verdict, path));
  }
}

/** It does not say which role would do: that is nobody's business who lacks it. */
function refusal(verdict: "unknown_caller" | "denied", method: string): StatusObject {
  const metadata = { method };
  if (verdict === "denied") {
    return statusOf(status.PERMISSION_DENIED, `Cannot call "${method}": not allowed to this caller`, {
      reason: "PERMISSION_DENIED",
      metadata,
    });
  }
  const text = `Cannot call "${method}": the caller is not known`;
  return statusOf(status.UNAUTHENTICATED, text, { reason: "UNAUTHENTICATED", metadata });
}

function requireRules(paths: readonly string[], rules: Readonly<Record<string, Rule>>): void {
  const known = new Set(paths);
  const without = paths.filter((path) => !Object.hasOwn(rules, path));
  if (without.length > 0) throw new TypeError(`Cannot build authorize: no rule for ${without.join(", ")}`);
  for (const [path, rule] of Object.entries(rules)) {
    if (!known.has(path)) throw new TypeError(`Cannot build authorize: there is no method "${path}"`);
    if (rule === "public" || rule === "authenticated") continue;
    if ((rule.roles?.length ?? 0) + (rule.principals?.length ?? 0) > 0) continue;
    throw new TypeError(`Cannot build authorize: the rule of "${path}" lets nobody in`);
  }
}
