/** Prints docs/errors.md: every reason that a service may give, as the comments of the protos tell it. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { createFileRegistry, type DescEnumValue, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const root = join(import.meta.dirname, "..");
const image = execFileSync("buf", ["build", "--as-file-descriptor-set", "-o", "-"], { cwd: root, maxBuffer: 1 << 26 });
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));

/** What a caller should do about a code, unless the comment of the reason ends with "Caller should: <something else>." */
const adviceOf: Record<string, string> = {
  INVALID_ARGUMENT: "fix the request",
  NOT_FOUND: "treat it as a case of the business",
  ALREADY_EXISTS: "treat it as a case of the business",
  FAILED_PRECONDITION: "show the user",
  ABORTED: "start over after RetryInfo",
  RESOURCE_EXHAUSTED: "back off for RetryInfo",
  UNAVAILABLE: "retry if idempotent",
  DEADLINE_EXCEEDED: "ask for the outcome, not assume it",
  CANCELLED: "ask for the outcome, not assume it",
  INTERNAL: "report it",
  UNIMPLEMENTED: "fix the call",
  UNAUTHENTICATED: "sign in",
  PERMISSION_DENIED: "ask for access",
};

const lines = [
  "# Errors",
  "",
  "Made by `npm run generate` from the protos. A caller may rely on `reason`; never on the text of a message.",
  "",
];
for (const service of ["type", "payment", "product", "order"]) {
  const reasons = registry.getEnum(`ecommerce.${service}.v1.ErrorReason`);
  if (reasons === undefined) throw new Error(`The contracts have no reasons for ${service}`);
  const title = service === "type" ? "Any service" : `The ${service} service`;
  lines.push(`## ${title}`, "", `\`domain\` is \`${service}.ecommerce\`.`, "");
  lines.push("| reason | code | caller should | what it means |", "|---|---|---|---|");
  lines.push(...reasons.values.filter(({ number }) => number !== 0).map(row), "");
}
process.stdout.write(lines.join("\n"));

function row(value: DescEnumValue): string {
  const comment = commentOf(value)
    .trim()
    .replaceAll(/\s*\n\s*/g, " ");
  const [, code = "", meaning = "", ownAdvice] = /^([A-Z_]+)\. (.*?)(?: Caller should: (.*)\.)?$/.exec(comment) ?? [];
  const advice = adviceOf[code];
  if (advice === undefined) throw new Error(`The comment of ${value.name} has to begin with a gRPC code: "${comment}"`);
  return `| ${value.name.replace("ERROR_REASON_", "")} | ${code} | ${ownAdvice ?? advice} | ${meaning} |`;
}

/** The comment above a value of the first enum of a file. Source: descriptor.proto, SourceCodeInfo.Location.path. */
function commentOf({ parent, number }: DescEnumValue): string {
  const path = [5, 0, 2, parent.values.findIndex((value) => value.number === number)].join();
  const location = parent.file.proto.sourceCodeInfo?.location.find((each) => each.path.join() === path);
  return location?.leadingComments ?? "";
}
