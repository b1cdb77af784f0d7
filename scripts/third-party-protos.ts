/**
 * Writes the standard protos that the contracts import to proto/third_party, from npm packages. Runs after install.
 * They are other people's files: taken, never committed.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { printProto } from "./print-proto.ts";

const { resolve } = createRequire(import.meta.url);
const target = join(import.meta.dirname, "../proto/third_party");

const google = dirname(resolve("google-proto-files/package.json"));
const health = dirname(resolve("grpc-health-check/package.json"));
const reflection = dirname(resolve("@grpc/reflection/package.json"));

const copies: [from: string, to: string][] = [
  ...["api/annotations", "api/http", "rpc/code", "rpc/error_details", "rpc/status"].map(standard),
  ...["protobuf/any", "protobuf/duration", "protobuf/timestamp"].map(standard),
  [join(health, "proto/health/v1/health.proto"), "grpc/health/v1/health.proto"],
  ...["v1", "v1alpha"].map((version): [string, string] => {
    const path = `grpc/reflection/${version}/reflection.proto`;
    return [join(reflection, "build/proto", path), path];
  }),
];

rmSync(target, { recursive: true, force: true });
for (const [from, to] of copies) {
  mkdirSync(join(target, dirname(to)), { recursive: true });
  cpSync(from, join(target, to));
}

// Its package carries the descriptor only.
mkdirSync(join(target, "buf/validate"), { recursive: true });
writeFileSync(join(target, "buf/validate/validate.proto"), printProto(file_buf_validate_validate.proto));

function standard(name: string): [string, string] {
  return [join(google, `google/${name}.proto`), `google/${name}.proto`];
}
