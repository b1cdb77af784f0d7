import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";

/**
 * A message with every field set, each to a value that follows from its path and from nothing else. Of a oneof the last
 * member stays. Messages nest three deep.
 */
export function sampleMessage(type: DescMessage, path = type.name, depth = 0): Message {
  const message = reflect(type, create(type));
  for (const field of type.fields) {
    const here = `${path}.${field.name}`;
    if (field.fieldKind === "list") {
      const list = message.get(field);
      for (const index of [0, 1]) list.add(element(field, `${here}[${index}]`, depth));
    } else if (field.fieldKind !== "message" || depth < 3) {
      message.set(field, element(field, here, depth));
    }
  }
  return message.message;
}

function element(field: DescField, path: string, depth: number): never {
  const nested = field.message;
  if (nested !== undefined && isTimestamp(nested)) {
    // In whole milliseconds: the generated code makes a Date of it.
    return reflect(nested, create(nested, { seconds: BigInt(hash(path)), nanos: 123_000_000 })) as never;
  }
  if (nested !== undefined) return reflect(nested, sampleMessage(nested, path, depth + 1)) as never;
  if (field.enum !== undefined) return field.enum.values.at(-1)?.number as never;
  return scalar(field.scalar, path) as never;
}

function scalar(type: ScalarType | undefined, path: string): unknown {
  const number = hash(path);
  switch (type) {
    case ScalarType.STRING:
      return path;
    case ScalarType.BYTES:
      return new TextEncoder().encode(path);
    case ScalarType.BOOL:
      return true;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return BigInt(number) * 4_294_967_297n;
    default:
      return number;
  }
}

function hash(path: string): number {
  return Buffer.from(path).reduce((sum, byte) => (sum * 31 + byte) % 100_000, 7) + 1;
}

function isTimestamp(type: DescMessage): type is typeof TimestampSchema {
  return type.typeName === TimestampSchema.typeName;
}
