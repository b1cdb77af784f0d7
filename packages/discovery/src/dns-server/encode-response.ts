// SPDX-License-Identifier: MIT
/**
 * Copy:    dns-server/encode-response.ts
 * Place:   last step of the server.
 * Does:    writes a DNS response of at most so many bytes, names compressed; says that it is truncated when answers had
 *          to be left out, and leaves additional records out without a word.
 * Doesn't: choose the limit: over UDP that is {@link udpLimit}, over TCP 65,535.
 * With:    dns-server/decode-query.ts, dns-server/message.ts
 * Source:  RFC 1035 section 4, RFC 2181 section 9 (truncation), RFC 2782 (SRV targets are not compressed), RFC 6891.
 */
import type { QueryHeader } from "./decode-query.ts";
import {
  type Answer,
  type Question,
  type Rcode,
  RecordClass,
  type RecordData,
  RecordType,
  type ResourceRecord,
} from "./message.ts";

/** What passes every usual link in one piece, and what this server takes itself. Source: DNS flag day 2020. */
const EDNS_UDP_BYTES = 1232;
/** Without EDNS nobody has to take more. Source: RFC 1035 section 4.2.1. */
const PLAIN_UDP_BYTES = 512;
const HEADER_BYTES = 12;
const OPT_BYTES = 11;
/** More than any record here needs: at most two names of 255 bytes and 32 bytes of numbers. */
const MAX_RECORD_BYTES = 1024;
const RESPONSE = 0x8000;
const AUTHORITATIVE = 0x0400;
const TRUNCATED = 0x0200;

/** How long a datagram to whoever sent this query may be. Unit: bytes. */
export function udpLimit({ udpBytes }: QueryHeader): number {
  if (udpBytes === undefined) return PLAIN_UDP_BYTES;
  return Math.min(Math.max(udpBytes, PLAIN_UDP_BYTES), EDNS_UDP_BYTES);
}

/** A response that only says what went wrong. */
export function encodeFailure(header: QueryHeader, rcode: Rcode): Buffer {
  const nothing = { rcode, authoritative: false, answers: [], authority: [], additional: [] };
  return encodeResponse(header, undefined, nothing, PLAIN_UDP_BYTES);
}

/** `maxBytes`: at least 512, at most 65,535. */
export function encodeResponse(
  header: QueryHeader,
  question: Question | undefined,
  answer: Answer,
  maxBytes: number,
): Buffer {
  const edns = header.udpBytes !== undefined;
  const writer = new Writer(maxBytes - (edns ? OPT_BYTES : 0));
  if (question !== undefined) writer.question(question);

  const answers = writer.records(answer.answers);
  const authority = writer.records(answer.authority);
  const additional = writer.records(answer.additional);
  if (edns) writer.opt(answer.rcode >> 4);

  const truncated = answers < answer.answers.length || authority < answer.authority.length;
  let flags = header.flags | RESPONSE | (answer.rcode & 0x0f);
  if (answer.authoritative) flags |= AUTHORITATIVE;
  if (truncated) flags |= TRUNCATED;
  const counts = [question === undefined ? 0 : 1, answers, authority, additional + (edns ? 1 : 0)];
  return writer.finish([header.id, flags, ...counts]);
}

class Writer {
  readonly #bytes: Buffer;
  readonly #limit: number;
  /** Where each name that has been written starts: another one with that ending points there. */
  readonly #names = new Map<string, number>();
  #at = HEADER_BYTES;
  #full = false;

  constructor(limit: number) {
    this.#limit = limit;
    this.#bytes = Buffer.allocUnsafe(limit + MAX_RECORD_BYTES);
  }

  question({ name, wire }: Question): void {
    let start = this.#at;
    for (let rest = name; rest !== ""; rest = parent(rest)) {
      this.#names.set(rest, start);
      start += 1 + (wire[start - HEADER_BYTES] ?? 0);
    }
    this.#bytes.set(wire, this.#at);
    this.#at += wire.length;
  }

  /** Writes as many as fit and says how many. Once one did not fit, nothing follows. */
  records(records: readonly ResourceRecord[]): number {
    let written = 0;
    for (const record of records) {
      if (!this.#fits(record)) break;
      written++;
    }
    return written;
  }

  /** The limit given to the constructor leaves room for it. */
  opt(upperRcode: number): void {
    this.#uint8(0);
    this.#uint16(RecordType.OPT);
    this.#uint16(EDNS_UDP_BYTES);
    this.#uint32(upperRcode << 24);
    this.#uint16(0);
  }

  finish(header: readonly number[]): Buffer {
    header.forEach((field, index) => this.#bytes.writeUInt16BE(field, index * 2));
    return this.#bytes.subarray(0, this.#at);
  }

  #fits({ name, ttlSeconds, data }: ResourceRecord): boolean {
    if (this.#full) return false;
    const start = this.#at;
    this.#name(name);
    this.#uint16(data.type);
    this.#uint16(RecordClass.Internet);
    this.#uint32(ttlSeconds);
    const length = this.#at;
    this.#at += 2;
    this.#data(data);
    this.#bytes.writeUInt16BE(this.#at - length - 2, length);
    this.#full = this.#at > this.#limit;
    // Names of it may be known as standing here now: one more reason to write no other record.
    if (this.#full) this.#at = start;
    return !this.#full;
  }

  #data(data: RecordData): void {
    switch (data.type) {
      case RecordType.A:
      case RecordType.AAAA:
      case RecordType.TXT:
        this.#bytes.set(data.bytes, this.#at);
        this.#at += data.bytes.length;
        return;
      case RecordType.NS:
      case RecordType.PTR:
        this.#name(data.target);
        return;
      case RecordType.SRV:
        this.#uint16(data.priority);
        this.#uint16(data.weight);
        this.#uint16(data.port);
        this.#labels(data.target);
        return;
      case RecordType.SOA:
        this.#name(data.primary);
        this.#name(data.mailbox);
        this.#uint32(data.serial);
        this.#uint32(data.refreshSeconds);
        this.#uint32(data.retrySeconds);
        this.#uint32(data.expireSeconds);
        this.#uint32(data.negativeTtlSeconds);
        return;
      default:
        return data satisfies never;
    }
  }

  /** Compressed. */
  #name(name: string): void {
    let rest = name;
    while (rest !== "") {
      const known = this.#names.get(rest);
      if (known !== undefined) return this.#uint16(0xc000 | known);
      // A pointer has 14 bits.
      if (this.#at < 0x4000) this.#names.set(rest, this.#at);
      this.#label(rest);
      rest = parent(rest);
    }
    this.#uint8(0);
  }

  #labels(name: string): void {
    for (let rest = name; rest !== ""; rest = parent(rest)) this.#label(rest);
    this.#uint8(0);
  }

  /** The first label of the name. */
  #label(name: string): void {
    const dot = name.indexOf(".");
    const label = dot === -1 ? name : name.slice(0, dot);
    this.#uint8(label.length);
    this.#at += this.#bytes.write(label, this.#at, "latin1");
  }

  #uint8(value: number): void {
    this.#at = this.#bytes.writeUInt8(value, this.#at);
  }

  #uint16(value: number): void {
    this.#at = this.#bytes.writeUInt16BE(value, this.#at);
  }

  #uint32(value: number): void {
    this.#at = this.#bytes.writeUInt32BE(value >>> 0, this.#at);
  }
}

/** The name without its first label. */
function parent(name: string): string {
  const dot = name.indexOf(".");
  return dot === -1 ? "" : name.slice(dot + 1);
}
