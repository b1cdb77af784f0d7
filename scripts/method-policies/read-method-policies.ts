import {
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  getOption,
  hasOption,
  isMessage,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { MethodPolicy } from "@holdfast/contracts/method-policy";

const LONGEST_DEADLINE_MS = 3_600_000;

/**
 * Every method of the contracts with its policy, by path, and what is wrong with them: one line for each policy that is missing or
 * would not take effect.
 */
export function readMethodPolicies(registry: FileRegistry): {
  methods: Record<string, MethodPolicy>;
  problems: string[];
} {
  const methods: Record<string, MethodPolicy> = {};
  const problems: string[] = [];
  for (const file of registry.files) {
    if (!file.proto.package.startsWith("ecommerce.")) continue;
    for (const method of file.services.flatMap((service) => service.methods)) {
      const path = `/${method.parent.typeName}/${method.name}`;
      const policy = readPolicy(registry, method);
      if (policy === undefined) {
        problems.push(`${path}: has no (ecommerce.options.v1.policy)`);
        continue;
      }
      methods[path] = policy;
      problems.push(...contradictions(method, policy).map((problem) => `${path}: ${problem}`));
    }
  }
  return { methods, problems };
}

function readPolicy(registry: FileRegistry, method: DescMethod): MethodPolicy | undefined {
  const extension = registry.getExtension("ecommerce.options.v1.policy");
  if (extension?.message === undefined) throw new Error("The protos have no option ecommerce.options.v1.policy");
  if (!hasOption(method, extension)) return undefined;
  const option = getOption(method, extension);
  if (!isMessage(option)) return undefined;
  const policy = reflect(extension.message, option);
  /** The name of an enum's value without its prefix, in lower case; empty for UNSPECIFIED. */
  const named = (fieldName: string): string => {
    const field = extension.message?.field[fieldName];
    if (field?.fieldKind !== "enum") throw new Error(`MethodPolicy has no enum "${fieldName}"`);
    const number = policy.get(field);
    const name = field.enum.value[number]?.localName ?? "";
    return number === 0 ? "" : name.toLowerCase();
  };
  const scalar = (fieldName: string): unknown => {
    const field = extension.message?.field[fieldName];
    return field === undefined ? undefined : policy.get(field);
  };
  return {
    idempotency: idempotencyOf(method),
    requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    deadlineMs: Number(scalar("deadlineMs")),
    retry: named("retry") as MethodPolicy["retry"],
    priority: named("priority") as MethodPolicy["priority"],
    key: named("key") as MethodPolicy["key"],
    hedge: scalar("hedge") === true,
    redact: redactedFields(method.input),
  };
}

/** The names of fields that are marked `debug_redact`, in the message and all that it may hold. */
function redactedFields(message: DescMessage): string[] {
  const seen = new Set([message]);
  // Grows while it is gone through.
  for (const { fields } of seen) for (const field of fields) if (field.message !== undefined) seen.add(field.message);
  const marked = [...seen].flatMap(({ fields }) => fields.filter(({ proto }) => proto.options?.debugRedact === true));
  return [...new Set(marked.map(({ localName }) => localName))].toSorted((a, b) => a.localeCompare(b));
}

function idempotencyOf({ idempotency }: DescMethod): MethodPolicy["idempotency"] {
  switch (idempotency) {
    case MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS:
      return "NO_SIDE_EFFECTS";
    case MethodOptions_IdempotencyLevel.IDEMPOTENT:
      return "IDEMPOTENT";
    default:
      return "UNKNOWN";
  }
}

function contradictions({ input }: DescMethod, policy: MethodPolicy): string[] {
  const { deadlineMs, idempotency, key } = policy;
  const hasKeyField = input.field["idempotencyKey"] !== undefined;
  const writes = idempotency !== "NO_SIDE_EFFECTS";
  const rules: [boolean, string][] = [
    [deadlineMs < 1 || deadlineMs > LONGEST_DEADLINE_MS, `deadline_ms must be 1 to ${LONGEST_DEADLINE_MS}`],
    [(policy.retry as string) === "", "retry is not set"],
    [(policy.priority as string) === "", "priority is not set"],
    [(key as string) === "", "key is not set"],
    [policy.retry === "unavailable" && idempotency === "UNKNOWN", "RETRY_UNAVAILABLE needs an idempotency_level"],
    [policy.hedge && writes, "hedge needs NO_SIDE_EFFECTS"],
    [policy.hedge && policy.responseStream, "hedge has no effect on a stream"],
    [key === "field" && !hasKeyField, "KEY_FIELD needs a field idempotency_key in the request"],
    [key !== "field" && hasKeyField && writes, "the request has an idempotency_key: KEY_FIELD"],
    [key === "metadata" && !writes, "KEY_METADATA has no effect on a method that only reads"],
    [key === "metadata" && (policy.requestStream || policy.responseStream), "KEY_METADATA has no effect on a stream"],
  ];
  return rules.filter(([broken]) => broken).map(([, problem]) => problem);
}
