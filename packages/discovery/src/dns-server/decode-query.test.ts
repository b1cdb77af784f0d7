// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anOpt, aQuery, uint16s, wireName } from "../testing/dns-wire.ts";
import { decodeQuery } from "./decode-query.ts";
import { Rcode, RecordType } from "./message.ts";

/** The same query with other counts of records and these bytes after the question. */
function aQueryWith(counts: readonly [number, number, number], ...rest: Buffer[]): Buffer {
  const query = aQuery();
  query.set(uint16s(counts), 6);
  return Buffer.concat([query, ...rest]);
}

const aRecord = Buffer.concat([uint16s([0xc00c, 1, 1, 0, 5, 4]), Buffer.of(127, 0, 0, 1)]);

describe("decodeQuery()", () => {
  test("reads the question and what a response repeats", () => {
    const query = aQuery({ name: "Payment.Payments.example", type: RecordType.SRV, id: 0xabcd });
    expect(decodeQuery(query)).toEqual({
      header: { id: 0xabcd, flags: 0x0100 },
      question: { name: "payment.payments.example", type: RecordType.SRV, class: 1, wire: query.subarray(12) },
    });
  });

  test("reads the root as a name", () => {
    expect(decodeQuery(aQuery({ name: "" }))).toMatchObject({ question: { name: "" } });
  });

  test("tells a dot in a label from one between labels", () => {
    const label = Buffer.from("\u{6}a.b\\ \u{7}\u{2}c\u{e9}\u{0}", "latin1");
    const query = Buffer.concat([aQuery().subarray(0, 12), label, uint16s([1, 1])]);
    expect(decodeQuery(query)).toMatchObject({ question: { name: String.raw`a\046b\092\032\007.c\233` } });
  });

  test("takes a name of 255 bytes and none of 256", () => {
    const label = "a".repeat(63);
    const longest = [label, label, label, "a".repeat(61)].join(".");
    expect(decodeQuery(aQuery({ name: longest }))).toMatchObject({ question: { name: longest } });
    expect(decodeQuery(aQuery({ name: `${longest}a` }))).toMatchObject({ failure: Rcode.FormatError });
  });

  test("reads how much the sender takes by UDP, wherever OPT stands among the additional records", () => {
    expect(decodeQuery(aQuery({ udpBytes: 4096 }))).toMatchObject({ header: { udpBytes: 4096 }, question: {} });
    const second = decodeQuery(aQueryWith([0, 0, 2], aRecord, anOpt(1400)));
    expect(second).toMatchObject({ header: { udpBytes: 1400 }, question: {} });
  });

  test.each<[string, Buffer]>([
    ["nothing", Buffer.alloc(0)],
    ["less than a header", aQuery().subarray(0, 11)],
    ["a response", aQuery({ flags: 0x8100 })],
    ["an error", aQuery({ flags: 0x8001 })],
  ])("has no answer to %s", (_, message) => {
    expect(decodeQuery(message)).toBeUndefined();
  });

  test.each<[string, Buffer, Rcode]>([
    ["an update", aQuery({ flags: 5 << 11 }), Rcode.NotImplemented],
    ["no question", aQuery({ questions: 0 }), Rcode.FormatError],
    ["two questions", aQuery({ questions: 2 }), Rcode.FormatError],
    ["a question for OPT", aQuery({ type: RecordType.OPT }), Rcode.FormatError],
    ["a name cut off", aQuery().subarray(0, 15), Rcode.FormatError],
    ["a type cut off", aQuery().subarray(0, -3), Rcode.FormatError],
    ["bytes after the end", Buffer.concat([aQuery(), Buffer.of(0)]), Rcode.FormatError],
    ["a name that points to itself", pointer(0xc00c), Rcode.FormatError],
    ["a name that points into the header", pointer(0xc000), Rcode.FormatError],
    ["a name that points ahead", pointer(0xffff), Rcode.FormatError],
    ["a label of a reserved form", pointer(0x4000), Rcode.FormatError],
    [
      "a label of 64 bytes",
      Buffer.concat([aQuery().subarray(0, 12), Buffer.alloc(65, 64), uint16s([0, 1, 1])]).subarray(0, -1),
      Rcode.FormatError,
    ],
    ["more records than there are", aQueryWith([0, 0, 1]), Rcode.FormatError],
    ["65,535 records that are not there", aQueryWith([0xffff, 0xffff, 0xffff]), Rcode.FormatError],
    ["a record that says it is longer", aQueryWith([0, 1, 0], aRecord.subarray(0, -1)), Rcode.FormatError],
    ["a record with a name cut off", aQueryWith([1, 0, 0], Buffer.from("\u{9}a")), Rcode.FormatError],
    ["two OPT", aQueryWith([0, 0, 2], anOpt(512), anOpt(512)), Rcode.FormatError],
    ["OPT as an answer", aQueryWith([1, 0, 0], anOpt(512)), Rcode.FormatError],
    [
      "OPT of another name than the root",
      aQueryWith([0, 0, 1], wireName("a"), anOpt(512).subarray(1)),
      Rcode.FormatError,
    ],
    ["a later version of EDNS", aQuery({ udpBytes: 512, ednsVersion: 1 }), Rcode.BadVersion],
  ])("names the error of %s", (_, message, failure) => {
    expect(decodeQuery(message)).toMatchObject({ header: { id: 7 }, failure });
  });

  test("answers an error of EDNS in EDNS", () => {
    expect(decodeQuery(aQuery({ udpBytes: 900, ednsVersion: 1 }))).toMatchObject({ header: { udpBytes: 900 } });
  });

  test("never throws and says nothing of what is not there, whatever the bytes are", () => {
    const noise = fc.uint8Array({ maxLength: 600 });
    // A header that gets through to the question, so that what follows it is read.
    const behindHeader = noise.map((bytes) => Buffer.concat([uint16s([1, 0, 1, 0, 0, 1]), bytes]));
    const broken = fc.tuple(fc.nat(40), fc.nat(255)).map(([at, byte]) => {
      const query = aQuery({ name: "payment.payments.svc.cluster.local", udpBytes: 1232 });
      query[at] = byte;
      return query;
    });
    fc.assert(
      fc.property(fc.oneof(noise, behindHeader, broken), (bytes) => {
        const query = decodeQuery(bytes);
        if (query === undefined || "failure" in query) return;
        expect(query.question.name).toMatch(/^[!-~]*$/u);
        expect(query.question.wire.length).toBeLessThanOrEqual(259);
      }),
      { numRuns: 5_000 },
    );
  });
});

/** A query whose name is these two bytes. */
function pointer(bytes: number): Buffer {
  return Buffer.concat([aQuery().subarray(0, 12), uint16s([bytes, 1, 1])]);
}
