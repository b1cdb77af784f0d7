import { type DescMessage, fromBinary, isFieldSet, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import golden from "./golden.json" with { type: "json" };
import { codecOf, ownMessages } from "./messages.ts";
import { sampleMessage } from "./sample-message.ts";

const bytesOf = new Map(Object.entries(golden));
const messages = ownMessages();
const named = messages.map((type): [name: string, type: DescMessage] => [type.typeName, type]);

describe("golden bytes", () => {
  test("exist for every message of the contracts, and for no other", () => {
    expect([...bytesOf.keys()].sort()).toEqual(messages.map(({ typeName }) => typeName).sort());
  });

  test.each(named)("of %s are read and written again", async (name, type) => {
    const hex = bytesOf.get(name) ?? "";
    const bytes = Buffer.from(hex, "hex");
    const codec = await codecOf(type);
    expect(Buffer.from(codec.encode(codec.decode(bytes)).finish()).toString("hex")).toBe(hex);
    expect(Buffer.from(toBinary(type, fromBinary(type, bytes))).toString("hex")).toBe(hex);
  });

  test.each(named)("of %s mean what they meant", (name, type) => {
    const read = fromBinary(type, Buffer.from(bytesOf.get(name) ?? "", "hex"));
    expect(read.$unknown ?? []).toEqual([]);
    // A field that was added later is absent from the old bytes.
    const fields = type.fields.filter((field) => field.fieldKind === "scalar" && isFieldSet(read, field));
    const valuesOf = (message: object) => fields.map(({ localName }) => [localName, Reflect.get(message, localName)]);
    expect(valuesOf(read)).toEqual(valuesOf(sampleMessage(type)));
  });
});
