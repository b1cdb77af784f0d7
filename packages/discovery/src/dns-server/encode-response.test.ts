// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aQuery, emptyAnswer, type QueryFields, readResponse, wireName } from "../testing/dns-wire.ts";
import { decodeQuery } from "./decode-query.ts";
import { encodeFailure, encodeResponse, udpLimit } from "./encode-response.ts";
import { type Answer, Rcode, type RecordData, RecordType, type ResourceRecord } from "./message.ts";

function respond(fields: QueryFields, answer: Partial<Answer>, maxBytes?: number): Buffer {
  const query = decodeQuery(aQuery(fields));
  if (query === undefined || "failure" in query) throw new Error("not a query");
  return encodeResponse(
    query.header,
    query.question,
    { ...emptyAnswer, ...answer },
    maxBytes ?? udpLimit(query.header),
  );
}

function aRecord(name: string, data: RecordData): ResourceRecord {
  return { name, ttlSeconds: 5, data };
}

function addresses(count: number, name = "a.example"): ResourceRecord[] {
  return Array.from({ length: count }, (_, index) =>
    aRecord(name, { type: RecordType.A, bytes: Uint8Array.of(127, 0, index >> 8, index & 0xff) }),
  );
}

const everyType: RecordData[] = [
  { type: RecordType.A, bytes: Uint8Array.of(127, 0, 0, 1) },
  { type: RecordType.AAAA, bytes: new Uint8Array(16).fill(1) },
  { type: RecordType.TXT, bytes: Uint8Array.of(1, 65) },
  { type: RecordType.NS, target: "ns.example" },
  { type: RecordType.PTR, target: "a-0.a.example" },
  { type: RecordType.SRV, priority: 1, weight: 2, port: 50_051, target: "a-0.a.example" },
  {
    type: RecordType.SOA,
    primary: "ns.example",
    mailbox: "hostmaster.example",
    serial: 2 ** 32 - 1,
    refreshSeconds: 1,
    retrySeconds: 2,
    expireSeconds: 3,
    negativeTtlSeconds: 4,
  },
];

describe("encodeResponse()", () => {
  test("writes every type of record into every section", () => {
    const records = everyType.map((data) => aRecord("a.example", data));
    const bytes = respond({}, { answers: records, authority: records, additional: records }, 4_096);
    const read = readResponse(bytes);
    expect(read).toMatchObject({ answers: records, authority: records, additional: records, truncated: false });
  });

  test("repeats id, question as it was written, and whether recursion was desired, which it does not offer", () => {
    const read = readResponse(respond({ id: 0xfffe, name: "PayMent.example" }, {}));
    expect(read).toMatchObject({ id: 0xfffe, authoritative: true, recursionDesired: true, recursionAvailable: false });
    expect(read.question).toEqual({ name: "PayMent.example", type: RecordType.A, class: 1 });
    expect(readResponse(respond({ flags: 0 }, { authoritative: false }))).toMatchObject({
      authoritative: false,
      recursionDesired: false,
    });
  });

  test("points to names that stand there already, and writes an SRV target in full", () => {
    const plain = respond({}, {}).length;
    const [address] = addresses(1);
    expect(respond({}, { answers: [address as ResourceRecord] }).length - plain).toBe(16);
    const srv = aRecord("a.example", { type: RecordType.SRV, priority: 0, weight: 0, port: 1, target: "b.a.example" });
    const bytes = respond({}, { answers: [srv] });
    expect(bytes.length - plain).toBe(12 + 6 + wireName("b.a.example").length);
  });

  test("speaks EDNS to those who do, and only to them", () => {
    expect(readResponse(respond({ udpBytes: 4096 }, {}))).toMatchObject({ ednsUdpBytes: 1232 });
    expect(readResponse(respond({}, {}))).not.toHaveProperty("ednsUdpBytes");
  });

  test.each([
    [undefined, 512],
    [0, 512],
    [511, 512],
    [900, 900],
    [1232, 1232],
    [4096, 1232],
  ])("a sender that takes %s bytes by UDP gets at most %s", (udpBytes, limit) => {
    expect(udpLimit({ id: 1, flags: 0, ...(udpBytes !== undefined && { udpBytes }) })).toBe(limit);
    const bytes = respond({ ...(udpBytes !== undefined && { udpBytes }) }, { answers: addresses(500) });
    expect(bytes.length).toBeLessThanOrEqual(limit);
    expect(bytes.length).toBeGreaterThan(limit - 16);
    expect(readResponse(bytes)).toMatchObject({ truncated: true });
  });

  test("says that it is truncated when an answer or the authority had to be left out", () => {
    const many = addresses(500);
    const read = readResponse(respond({}, { answers: many, authority: addresses(1), additional: addresses(1) }));
    expect(read).toMatchObject({ truncated: true, authority: [], additional: [] });
    expect(read.answers).toEqual(many.slice(0, read.answers.length));
    expect(readResponse(respond({}, { answers: addresses(3), authority: many }))).toMatchObject({ truncated: true });
  });

  test("writes nothing after an answer that did not fit, even where there is room for it", () => {
    const target = ["b".repeat(63), "c".repeat(63), "d".repeat(63)].join(".");
    const long = aRecord("a.example", { type: RecordType.SRV, priority: 0, weight: 0, port: 1, target });
    const answers = [long, long, long, ...addresses(1)];
    const read = readResponse(respond({}, { answers, authority: addresses(1), additional: addresses(1) }));
    expect(read).toMatchObject({ truncated: true, answers: [long, long], authority: [], additional: [] });
  });

  test("leaves out additional records that do not fit without saying so", () => {
    const read = readResponse(respond({}, { answers: addresses(3), additional: addresses(500) }));
    expect(read).toMatchObject({ truncated: false, answers: addresses(3) });
    expect(read.additional.length).toBeGreaterThan(20);
  });

  test("is read right where names stand beyond what a pointer reaches", () => {
    const answers = Array.from({ length: 1_400 }, (_, index) =>
      aRecord(`host-${index}.a.example`, { type: RecordType.PTR, target: `target-${index}.elsewhere.example` }),
    );
    const bytes = respond({}, { answers: [...answers, ...answers] }, 65_535);
    expect(bytes.length).toBeGreaterThan(0x4000 * 2);
    const read = readResponse(bytes);
    expect(read.answers).toEqual([...answers, ...answers].slice(0, read.answers.length));
  });

  test("never gets longer than allowed and can always be read", () => {
    const label = fc.stringMatching(/^[a-z0-9_]([-a-z0-9]{0,20}[a-z0-9])?$/u);
    const name = fc.array(label, { maxLength: 8 }).map((labels) => labels.join("."));
    const record = fc
      .tuple(name, name, fc.constantFrom(...everyType))
      .map(([owner, target, data]) => aRecord(owner, "target" in data ? { ...data, target } : data));
    const section = fc.array(record, { maxLength: 30 });
    fc.assert(
      fc.property(name, section, section, section, fc.boolean(), fc.integer({ min: 512, max: 4_096 }), (...drawn) => {
        const [asked, answers, authority, additional, edns, maxBytes] = drawn;
        const fields = { name: asked, ...(edns && { udpBytes: 1232 }) };
        const bytes = respond(fields, { answers, authority, additional }, maxBytes);
        expect(bytes.length).toBeLessThanOrEqual(maxBytes);
        const read = readResponse(bytes);
        expect(read.answers).toEqual(answers.slice(0, read.answers.length));
        expect(read.truncated).toBe(read.answers.length < answers.length || read.authority.length < authority.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe("encodeFailure()", () => {
  test("says what went wrong and repeats no question", () => {
    const read = readResponse(encodeFailure({ id: 9, flags: 0x0100 }, Rcode.FormatError));
    expect(read).toMatchObject({ id: 9, rcode: Rcode.FormatError, authoritative: false, recursionDesired: true });
    expect(read).not.toHaveProperty("question");
  });

  test("writes the upper bits of a code into OPT", () => {
    const read = readResponse(encodeFailure({ id: 9, flags: 0, udpBytes: 512 }, Rcode.BadVersion));
    expect(read).toMatchObject({ rcode: Rcode.BadVersion, ednsUdpBytes: 1232 });
  });
});
