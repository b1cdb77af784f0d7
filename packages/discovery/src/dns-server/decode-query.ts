// SPDX-License-Identifier: MIT
/**
 * Copy:    dns-server/decode-query.ts
 * Place:   first step of the server: what a datagram or a TCP frame brought goes through here.
 * Does:    reads a DNS query out of any bytes: a question that can be answered, the error code that the sender must get,
 *          or nothing when it must get no answer. Never throws.
 * Doesn't: read responses, updates or transfers; follow compression pointers (a question has nothing to point to).
 * With:    dns-server/message.ts
 * Source:  RFC 1035 section 4, RFC 6891 (EDNS), RFC 9619 (one question per message).
 */
import { type Question, Rcode, RecordType } from "./message.ts";

/** What a response repeats of the message it answers. */
export interface QueryHeader {
  readonly id: number;
  /** Opcode and "recursion desired", where they stand in the header. */
  readonly flags: number;
  /** Set when the sender speaks EDNS: the biggest datagram that it takes. Unit: bytes. */
  readonly udpBytes?: number;
}

export type Query =
  | { readonly header: QueryHeader; readonly question: Question }
  | { readonly header: QueryHeader; readonly failure: Rcode };

const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const RECURSION_DESIRED = 0x0100;

/**
 * Undefined: not to be answered. That is what is too short to have an id, and every response: two servers that answered
 * each other's responses would never stop.
 */
export function decodeQuery(message: Uint8Array): Query | undefined {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (bytes.length < HEADER_BYTES) return undefined;
  const flags = bytes.readUInt16BE(2);
  if ((flags & RESPONSE) !== 0) return undefined;

  const header = { id: bytes.readUInt16BE(0), flags: flags & (OPCODE | RECURSION_DESIRED) };
  const failure = (rcode: Rcode): Query => ({ header, failure: rcode });
  if ((flags & OPCODE) !== 0) return failure(Rcode.NotImplemented);
  if (bytes.readUInt16BE(4) !== 1) return failure(Rcode.FormatError);

  const question = readQuestion(bytes);
  if (question === undefined || question.type === RecordType.OPT) return failure(Rcode.FormatError);
  const edns = readEdns(bytes, HEADER_BYTES + question.wire.length);
  if (edns === undefined) return failure(Rcode.FormatError);
  if (edns === "none") return { header, question };

  const spoken = { ...header, udpBytes: edns.udpBytes };
  if (edns.version !== 0) return { header: spoken, failure: Rcode.BadVersion };
  return { header: spoken, question };
}

function readQuestion(bytes: Buffer): Question | undefined {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = bytes[at]; length !== 0; length = bytes[at]) {
    // 64 and more are compression pointers, which could only point into the header here, and reserved forms.
    if (length === undefined || length > 63) return undefined;
    labels.push(printable(bytes.toString("latin1", at + 1, at + 1 + length)));
    at += 1 + length;
    if (at - HEADER_BYTES >= MAX_NAME_BYTES) return undefined;
  }
  const end = at + 5;
  if (end > bytes.length) return undefined;
  return {
    name: labels.join(".").toLowerCase(),
    type: bytes.readUInt16BE(at + 1),
    class: bytes.readUInt16BE(at + 3),
    wire: bytes.subarray(HEADER_BYTES, end),
  };
}

/** A dot inside a label must not look like one between labels, and a control character must not reach a log. */
function printable(label: string): string {
  return label.replaceAll(/[^!-~]|[.\\]/gu, (byte) => `\\${String(byte.charCodeAt(0)).padStart(3, "0")}`);
}

/** The OPT record among those after the question; undefined if these are not records, or there are two OPT. */
function readEdns(bytes: Buffer, from: number): { udpBytes: number; version: number } | "none" | undefined {
  const before = bytes.readUInt16BE(6) + bytes.readUInt16BE(8);
  const count = before + bytes.readUInt16BE(10);
  let found: { udpBytes: number; version: number } | undefined;
  let at = from;
  for (let index = 0; index < count; index++) {
    const fixed = nameEnd(bytes, at);
    if (fixed === undefined || fixed + 10 > bytes.length) return undefined;
    if (bytes.readUInt16BE(fixed) === RecordType.OPT) {
      // It belongs to the root, into the additional section, and there is one.
      if (found !== undefined || index < before || fixed !== at + 1) return undefined;
      found = { udpBytes: bytes.readUInt16BE(fixed + 2), version: bytes.readUInt8(fixed + 5) };
    }
    at = fixed + 10 + bytes.readUInt16BE(fixed + 8);
  }
  // Also when the last record says that it is longer than the message.
  if (at !== bytes.length) return undefined;
  return found ?? "none";
}

/** Where the name that starts at `from` ends. A pointer ends it and is not followed, so there is nothing to loop in. */
function nameEnd(bytes: Buffer, from: number): number | undefined {
  let at = from;
  while (at - from < MAX_NAME_BYTES) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return undefined;
    at += 1 + length;
  }
  return undefined;
}
