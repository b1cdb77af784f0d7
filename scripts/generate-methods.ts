/**
 * Prints packages/contracts/src/gen/methods.ts: what the protos say about how each method is to be called and served. Fails
 * for a method without a policy, and for a policy that contradicts itself.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { readMethodPolicies } from "./method-policies/read-method-policies.ts";

const root = join(import.meta.dirname, "..");
const image = execFileSync("buf", ["build", "--as-file-descriptor-set", "-o", "-"], { cwd: root, maxBuffer: 1 << 26 });
const { methods, problems } = readMethodPolicies(createFileRegistry(fromBinary(FileDescriptorSetSchema, image)));
if (problems.length > 0) {
  console.error(`The protos do not say how every method is to be called:\n${problems.join("\n")}`);
  process.exit(1);
}
const lines = Object.entries(methods).map(([path, policy]) => `  ${JSON.stringify(path)}: ${JSON.stringify(policy)},`);
process.stdout.write(`// Made by \`npm run generate\` from the options in the protos.
import type { MethodPolicy } from "../method-policy.ts";

/** How each method of the contracts is to be called and served, by its path. */
export const methods: Readonly<Record<string, MethodPolicy>> = {
${lines.join("\n")}
};
`);
