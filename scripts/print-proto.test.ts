import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { expect, onTestFinished, test } from "vitest";
import { printProto } from "./print-proto.ts";

/** What the source has to carry over: names, numbers, types, labels, nesting. */
function shape(message: DescriptorProto): object {
  return {
    name: message.name,
    fields: message.field
      .map(({ name, number, type, label, typeName }) => ({ name, number, type, label, typeName }))
      .sort((a, b) => a.number - b.number),
    nested: message.nestedType.map(shape),
    oneofs: message.oneofDecl.map(({ name }) => name),
    ranges: message.extensionRange.map(({ start, end }) => [start, end]),
  };
}

test("printProto() writes source that compiles to the same messages, enums and extensions", () => {
  const folder = mkdtempSync(join(tmpdir(), "print-proto-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const original = file_buf_validate_validate.proto;
  const path = join(folder, original.name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, printProto(original));

  const image = execFileSync("buf", ["build", folder, "--as-file-descriptor-set", "-o", "-"]);
  const compiled = fromBinary(FileDescriptorSetSchema, image).file.find(({ name }) => name === original.name);

  expect(compiled?.messageType.map(shape)).toEqual(original.messageType.map(shape));
  expect(compiled?.enumType.map(({ value }) => value.map(({ name, number }) => [name, number]))).toEqual(
    original.enumType.map(({ value }) => value.map(({ name, number }) => [name, number])),
  );
  expect(compiled?.extension.map(({ name, number, extendee }) => [name, number, extendee])).toEqual(
    original.extension.map(({ name, number, extendee }) => [name, number, extendee]),
  );
});
