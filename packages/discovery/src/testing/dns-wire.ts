// SPDX-License-Identifier: MIT
import { type Answer, Rcode, type RecordData, RecordType } from "../dns-server/message.ts";

export interface QueryFields {
  name?: string;
  type?: number;
  class?: number;
  id?: number;
  flags?: number;
  questions?: number;
  /** Written as the size that the OPT record says. */
  udpBytes?: number;
  ednsVersion?: number;
}

/** A query as a client would send it: one question for the A record of a.example, recursion desired. */
export function aQuery(fields: QueryFields = {}): Buffer {
  const { name = "a.example", type = RecordType.A, id = 7, flags = 0x0100, questions = 1, udpBytes } = fields;
  const header = [id, flags, questions, 0, 0, udpBytes === undefined ? 0 : 1];
  return Buffer.concat([
    uint16s(header),
    wireName(name),
    uint16s([type, fields.class ?? 1]),
    ...(udpBytes === undefined ? [] : [anOpt(udpBytes, fields.ednsVersion)]),
  ]);
}

/** An OPT record: the root's name, type, size, version, flags and no options. */
export function anOpt(udpBytes: number, version = 0): Buffer {
  return Buffer.concat([Buffer.of(0), uint16s([RecordType.OPT, udpBytes, version, 0, 0])]);
}

export function uint16s(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(value, index * 2));
  return bytes;
}

export function wireName(name: string): Buffer {
  const labels = name === "" ? [] : name.split(".");
  return Buffer.concat([...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.of(0)]);
}

export const emptyAnswer: Answer = {
  rcode: Rcode.NoError,
  authoritative: true,
  answers: [],
  authority: [],
  additional: [],
};

export interface ReadResponse {
  readonly id: number;
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly question?: { readonly name: string; readonly type: number; readonly class: number };
  readonly answers: readonly ReadRecord[];
  readonly authority: readonly ReadRecord[];
  /** Without OPT. */
  readonly additional: readonly ReadRecord[];
  readonly ednsUdpBytes?: number;
}

export type ReadRecord = { readonly name: string; readonly ttlSeconds: number; readonly data: RecordData };

/** Reads what the server wrote, to the last byte. Throws on what it would be wrong to send. */
export function readResponse(bytes: Buffer): ReadResponse {
  const flags = bytes.readUInt16BE(2);
  if ((flags & 0x8000) === 0) throw new Error("not a response");
  let at = 12;

  function name(from = at, jumps = 0): string {
    const length = bytes.readUInt8(from);
    if (jumps === 0) at = from + 1;
    if (length === 0) return "";
    if (length >= 0xc0) {
      const target = bytes.readUInt16BE(from) & 0x3fff;
      if (target >= from || jumps > 100) throw new Error(`pointer at ${from} to ${target}`);
      if (jumps === 0) at = from + 2;
      const end = at;
      const rest = name(target, jumps + 1);
      at = end;
      return rest;
    }
    const label = bytes.toString("latin1", from + 1, from + 1 + length);
    if (jumps === 0) at = from + 1 + length;
    const rest = name(from + 1 + length, jumps);
    return rest === "" ? label : `${label}.${rest}`;
  }

  function uint16(): number {
    at += 2;
    return bytes.readUInt16BE(at - 2);
  }

  function uint32(): number {
    at += 4;
    return bytes.readUInt32BE(at - 4);
  }

  let edns: { udpBytes: number; upperRcode: number } | undefined;
  function records(count: number): ReadRecord[] {
    return Array.from({ length: count }, () => record()).filter((each) => each !== undefined);
  }

  function record(): ReadRecord | undefined {
    const owner = name();
    const type = uint16();
    const recordClass = uint16();
    const ttlSeconds = uint32();
    const end = uint16() + at;
    if (type === RecordType.OPT) {
      edns = { udpBytes: recordClass, upperRcode: ttlSeconds >>> 24 };
      return undefined;
    }
    if (recordClass !== 1) throw new Error(`class ${recordClass}`);
    const data = dataOf(type, end);
    if (at !== end) throw new Error(`record of type ${type} ends at ${at} and not at ${end}`);
    return { name: owner, ttlSeconds, data };
  }

  function dataOf(type: number, end: number): RecordData {
    switch (type) {
      case RecordType.A:
      case RecordType.AAAA:
      case RecordType.TXT: {
        const data = new Uint8Array(bytes.subarray(at, end));
        at = end;
        return { type, bytes: data };
      }
      case RecordType.NS:
      case RecordType.PTR:
        return { type, target: name() };
      case RecordType.SRV:
        return { type, priority: uint16(), weight: uint16(), port: uint16(), target: name() };
      case RecordType.SOA:
        return {
          type,
          primary: name(),
          mailbox: name(),
          serial: uint32(),
          refreshSeconds: uint32(),
          retrySeconds: uint32(),
          expireSeconds: uint32(),
          negativeTtlSeconds: uint32(),
        };
      default:
        throw new Error(`type ${type}`);
    }
  }

  const questions = bytes.readUInt16BE(4);
  if (questions > 1) throw new Error(`${questions} questions`);
  const question = questions === 1 ? { name: name(), type: uint16(), class: uint16() } : undefined;
  const sections = [6, 8, 10].map((offset) => records(bytes.readUInt16BE(offset)));
  const [answers = [], authority = [], additional = []] = sections;
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes too many`);
  return {
    id: bytes.readUInt16BE(0),
    rcode: (flags & 0x0f) | ((edns?.upperRcode ?? 0) << 4),
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    ...(question && { question }),
    answers,
    authority,
    additional,
    ...(edns && { ednsUdpBytes: edns.udpBytes }),
  };
}
