/**
 * Adds the bytes of messages that are new to golden.json. What is there stays: bytes that were once on a wire must
 * be readable for ever, so a line that no longer holds is a defect of the change, never of the file.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { toBinary } from "@bufbuild/protobuf";
import { ownMessages } from "./messages.ts";
import { sampleMessage } from "./sample-message.ts";

const file = new URL("./golden.json", import.meta.url);
const golden = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
for (const type of ownMessages()) {
  golden[type.typeName] ??= Buffer.from(toBinary(type, sampleMessage(type))).toString("hex");
}
const sorted = Object.fromEntries(Object.entries(golden).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`);
