import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

/**
 * Turns the descriptor of a proto2 or proto3 file back into source that compiles to the same messages, enums and
 * extensions. Options, comments and services are left out: what imports the file needs its types only.
 */
export function printProto(file: FileDescriptorProto): string {
  return [
    `syntax = "${file.syntax || "proto2"}";`,
    `package ${file.package};`,
    ...file.dependency.map((path) => `import "${path}";`),
    ...file.enumType.map((each) => printEnum(each)),
    ...file.messageType.map((each) => printMessage(each, file)),
    ...file.extension.map((each) => `extend ${each.extendee} {\n${printField(each, file)}\n}`),
    "",
  ].join("\n");
}

function printMessage(message: DescriptorProto, file: FileDescriptorProto): string {
  // A proto3 `optional` field stands in a oneof of its own that the source does not spell out.
  const members = (index: number) =>
    message.field.filter((field) => field.oneofIndex === index && !field.proto3Optional && isInOneof(field));
  return [
    `message ${message.name} {`,
    ...message.enumType.map((each) => printEnum(each)),
    ...message.nestedType.map((each) => printMessage(each, file)),
    ...message.field.filter((field) => !isInOneof(field)).map((field) => printField(field, file)),
    ...message.oneofDecl.flatMap((oneof, index) => [
      `oneof ${oneof.name} {`,
      ...members(index).map((field) => printField(field, file, { bare: true })),
      "}",
    ]),
    ...message.extensionRange.map(({ start, end }) => `extensions ${printRange(start, end - 1, 536_870_911)};`),
    ...message.reservedRange.map(({ start, end }) => `reserved ${printRange(start, end - 1, 536_870_911)};`),
    ...message.reservedName.map((name) => `reserved "${name}";`),
    "}",
  ].join("\n");
}

function isInOneof(field: FieldDescriptorProto): boolean {
  return Object.hasOwn(field, "oneofIndex") && !field.proto3Optional;
}

function printEnum(type: EnumDescriptorProto): string {
  return [
    `enum ${type.name} {`,
    ...type.value.map(({ name, number }) => `${name} = ${number};`),
    ...type.reservedRange.map(({ start, end }) => `reserved ${printRange(start, end, 2_147_483_647)};`),
    ...type.reservedName.map((name) => `reserved "${name}";`),
    "}",
  ].join("\n");
}

function printRange(start: number, end: number, max: number): string {
  if (start === end) return `${start}`;
  return `${start} to ${end >= max ? "max" : end}`;
}

function printField(field: FieldDescriptorProto, file: FileDescriptorProto, { bare = false } = {}): string {
  const explicit = file.syntax !== "proto3" || field.proto3Optional;
  const labels = {
    [Label.REPEATED]: "repeated ",
    [Label.REQUIRED]: "required ",
    [Label.OPTIONAL]: explicit ? "optional " : "",
  };
  const label = bare ? "" : labels[field.label];
  // Only strings and names are defaults of enum or scalar kind that need no quoting here; strings do.
  const quoted = field.type === Type.STRING ? JSON.stringify(field.defaultValue) : field.defaultValue;
  const option = field.defaultValue === "" ? "" : ` [default = ${quoted}]`;
  return `${label}${typeName(field)} ${field.name} = ${field.number}${option};`;
}

function typeName(field: FieldDescriptorProto): string {
  if (field.typeName !== "") return field.typeName;
  return Type[field.type].toLowerCase();
}
