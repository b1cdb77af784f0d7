/** How a DNS server can be of no use. */
export const DNS_FAULTS = ["empty", "NXDOMAIN", "SERVFAIL", "garbage", "nothing"] as const;
export type DnsFault = (typeof DNS_FAULTS)[number];

const HEADER_BYTES = 12;
/** Where the part after the name ends: type and class. */
const QUESTION_TAIL_BYTES = 4;

/** `name type` of the first question, the name in lower case. Undefined: this is no query. */
export function questionOf(query: Buffer): string | undefined {
  const end = questionEnd(query);
  if (end === undefined) return undefined;
  const labels: string[] = [];
  for (let at = HEADER_BYTES; query[at] !== 0; at += 1 + (query[at] ?? 0)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + (query[at] ?? 0)));
  }
  return `${labels.join(".").toLowerCase()} ${query.readUInt16BE(end - QUESTION_TAIL_BYTES)}`;
}

/** What such a server answers; undefined is nothing. */
export function faultyAnswer(query: Buffer, fault: DnsFault, random = Math.random): Buffer | undefined {
  const end = questionEnd(query);
  if (end === undefined || fault === "nothing") return undefined;
  if (fault === "garbage") {
    // With the right id, or a client would not even look at it.
    const noise = Buffer.from(Array.from({ length: 200 }, () => Math.floor(random() * 256)));
    return Buffer.concat([query.subarray(0, 2), Buffer.of((query[2] ?? 0) | 0x80), noise]);
  }
  const answer = Buffer.from(query.subarray(0, end));
  // QR and AA beside what was asked for; one question, and no record.
  answer[2] = (answer[2] ?? 0) | 0x84;
  answer[3] = { empty: 0, SERVFAIL: 2, NXDOMAIN: 3 }[fault];
  answer.writeUInt16BE(1, 4);
  answer.fill(0, 6, HEADER_BYTES);
  return answer;
}

function questionEnd(query: Buffer): number | undefined {
  if (query.length < HEADER_BYTES || query.readUInt16BE(4) === 0) return undefined;
  let at = HEADER_BYTES;
  // A question comes first: there is nothing that its name could be compressed with.
  while (at < query.length && query[at] !== 0) at += 1 + (query[at] ?? 0);
  const end = at + 1 + QUESTION_TAIL_BYTES;
  return end <= query.length ? end : undefined;
}
