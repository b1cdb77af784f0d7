import type { MethodPolicy } from "@holdfast/contracts/method-policy";
import { methods } from "@holdfast/contracts/methods";
import type { MethodDefinition, ServiceDefinition } from "./service-definition.ts";

/** What the interceptors may know of a method: its policy in the contract, in their terms. */
export interface MethodFacts extends Omit<MethodPolicy, "retry"> {
  /** Whether a call may be sent again that found the service UNAVAILABLE. */
  readonly retry: boolean;
}

/** The methods of one service. */
export interface ServiceMethods {
  /** By the name in the generated client: `getOrder`. */
  readonly paths: ReadonlyMap<string, string>;
  /** By path; undefined for a method that is none of the service's. */
  readonly facts: (path: string) => MethodFacts | undefined;
}

/** Of health and reflection, whose protos are not ours to put options into. */
function standardPolicy({ requestStream, responseStream }: MethodDefinition): MethodPolicy {
  return {
    idempotency: "UNKNOWN",
    requestStream,
    responseStream,
    deadlineMs: requestStream || responseStream ? 3_600_000 : 5_000,
    retry: "never",
    priority: "critical",
    key: "none",
    hedge: false,
    redact: [],
  };
}

/** Reads the policies of a service's methods. @throws {Error} If the contracts have none for one of them. */
export function serviceMethods({ fullName, methods: defined }: ServiceDefinition): ServiceMethods {
  const paths = new Map(Object.entries(defined).map(([key, { name }]) => [key, `/${fullName}/${name}`]));
  const facts = new Map<string, MethodFacts>();
  for (const method of Object.values(defined)) {
    const path = `/${fullName}/${method.name}`;
    const policy = fullName.startsWith("grpc.") ? standardPolicy(method) : methods[path];
    if (policy === undefined) throw new Error(`The contracts have no policy for ${path}`);
    facts.set(path, { ...policy, retry: policy.retry === "unavailable" });
  }
  return { paths, facts: (path) => facts.get(path) };
}
