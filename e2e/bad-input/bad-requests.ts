import { clone, type DescField, type DescMessage, type Message, ScalarType, toBinary } from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** A request that differs from a good one in one place. */
export interface BadRequest {
  /** What is wrong, such as "too long". */
  kind: string;
  /** Where, in the proto's own names; of a list its first element. Empty for the request as a whole. */
  field: string;
  bytes: Uint8Array;
}

/** One way to spoil a field; it gets the message that the field stands in. */
type Spoil = [kind: string, spoil: (parent: ReflectMessage, field: DescField) => void];

/** A mark of the same length as the bytes that replace it, which are no UTF-8. */
const MARK = "NotUtf8!";
const NOT_UTF8 = Buffer.from([0xc3, 0x28, 0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0]);

/** Every way to spoil every field of a request, made from its descriptor: a field that is added is covered at once. */
export function* badRequests(type: DescMessage, good: Message): Generator<BadRequest> {
  const whole = Buffer.from(toBinary(type, good));
  yield { kind: "truncated", field: "", bytes: whole.subarray(0, -1) };
  yield { kind: "garbage", field: "", bytes: Buffer.from("ffffffffffffffffffff", "hex") };

  for (const { path, find, field, isSet } of placesIn(type, reflect(type, good))) {
    for (const [kind, spoil] of waysToSpoil(field, isSet)) {
      const copy = clone(type, good);
      spoil(find(reflect(type, copy)), field);
      const bytes = Buffer.from(toBinary(type, copy));
      yield { kind, field: path, bytes: kind === "not UTF-8" ? withoutUtf8(bytes) : bytes };
    }
  }
}

interface Place {
  path: string;
  field: DescField;
  /** In the good request. Of a oneof one member is. */
  isSet: boolean;
  /** Finds the message that the field stands in, in a copy of the request. */
  find: (root: ReflectMessage) => ReflectMessage;
}

function* placesIn(
  type: DescMessage,
  sample: ReflectMessage,
  path = "",
  find: Place["find"] = (m) => m,
): Generator<Place> {
  for (const field of type.fields) {
    const here = path === "" ? field.name : `${path}.${field.name}`;
    yield { path: here, field, find, isSet: sample.isSet(field) };
    const child = childOf(sample, field);
    if (child === undefined) continue;
    const inside: Place["find"] = (root) => childOf(find(root), field) ?? root;
    yield* placesIn(child.desc, child, field.fieldKind === "list" ? `${here}[0]` : here, inside);
  }
}

/** The message in a field, or the first one in a list of messages. */
function childOf(parent: ReflectMessage, field: DescField): ReflectMessage | undefined {
  if (field.fieldKind === "message" && parent.isSet(field)) return parent.get(field);
  if (field.fieldKind === "list" && field.listKind === "message") {
    const first = parent.get(field).get(0);
    return isReflectMessage(first) ? first : undefined;
  }
  return undefined;
}

function waysToSpoil(field: DescField, isSet: boolean): Spoil[] {
  if (field.fieldKind === "message") return [["missing", (parent) => parent.clear(field)]];
  if (field.fieldKind === "list") {
    const spoilElement = elementValues(field.listKind === "scalar" ? field.scalar : undefined);
    return [
      ["empty list", (parent) => parent.get(field).clear()],
      ["too many", (parent) => fill(parent, field)],
      ...spoilElement.map(([kind, value]): Spoil => [`${kind} element`, (parent) => parent.get(field).set(0, value)]),
    ];
  }
  if (field.fieldKind === "enum") return [["unknown enum value", (parent) => parent.set(field, 9_999)]];
  const alone = field.oneof !== undefined && isSet;
  const inOneof: Spoil[] = alone ? [["none of the oneof", (parent) => parent.clear(field)]] : [];
  const scalar = field.fieldKind === "scalar" ? field.scalar : undefined;
  return [
    ...inOneof,
    ...elementValues(scalar).map(([kind, value]): Spoil => [kind, (parent) => parent.set(field, value)]),
  ];
}

function elementValues(scalar: ScalarType | undefined): [kind: string, value: string | number | bigint][] {
  switch (scalar) {
    case ScalarType.STRING:
      return [
        ["missing", ""],
        ["too long", "x".repeat(5_000)],
        ["control characters", "a\u0000b\u001b[2J\n"],
        ["not UTF-8", MARK],
        ["SQL", "'; drop table orders; --"],
      ];
    case ScalarType.INT32:
      return [
        ["missing", 0],
        ["negative", -1],
        ["most negative", -2_147_483_648],
        ["too large", 2_147_483_647],
      ];
    case ScalarType.INT64:
      return [
        ["missing", 0n],
        ["negative", -1n],
        ["most negative", -9_223_372_036_854_775_808n],
        ["too large", 9_223_372_036_854_775_807n],
      ];
    default:
      return [];
  }
}

function fill(parent: ReflectMessage, field: DescField & { fieldKind: "list" }): void {
  const list = parent.get(field);
  const first = list.get(0);
  while (list.size <= 1_000) list.add(first);
}

function withoutUtf8(bytes: Buffer): Buffer {
  const at = bytes.indexOf(MARK);
  if (at < 0) throw new Error("The mark is not in the bytes");
  NOT_UTF8.copy(bytes, at);
  return bytes;
}
