// SPDX-License-Identifier: MIT
/**
 * Copy:    dns-server/message.ts
 * Place:   beside the other files of dns-server/, all of which import it.
 * Does:    says what a DNS message is made of, as far as the server of a cluster's names needs it.
 * Doesn't: read or write bytes: decode-query.ts and encode-response.ts do.
 * With:    -
 * Source:  RFC 1035 (messages), RFC 2782 (SRV), RFC 3596 (AAAA), RFC 6891 (EDNS), IANA DNS Parameters.
 */

/** Types of records by their number on the wire. */
export const RecordType = { A: 1, NS: 2, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, OPT: 41, ANY: 255 } as const;

/** Outcomes by their number on the wire. `BadVersion` does not fit the header: its upper bits go into OPT. */
export const Rcode = {
  NoError: 0,
  FormatError: 1,
  NameError: 3,
  NotImplemented: 4,
  Refused: 5,
  BadVersion: 16,
} as const;
export type Rcode = (typeof Rcode)[keyof typeof Rcode];

/** Classes of records by their number on the wire. */
export const RecordClass = { Internet: 1, Any: 255 } as const;

export interface SrvData {
  readonly type: typeof RecordType.SRV;
  /** The lowest group that answers is used. */
  readonly priority: number;
  /** Share among those of equal priority. */
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export interface SoaData {
  readonly type: typeof RecordType.SOA;
  readonly primary: string;
  /** A mailbox, its `@` written as a dot. */
  readonly mailbox: string;
  readonly serial: number;
  readonly refreshSeconds: number;
  readonly retrySeconds: number;
  readonly expireSeconds: number;
  /** How long the absence of a name or a type may be cached. Source: RFC 2308. */
  readonly negativeTtlSeconds: number;
}

/** What a record says. `bytes` are as on the wire. */
export type RecordData =
  | { readonly type: typeof RecordType.A | typeof RecordType.AAAA | typeof RecordType.TXT; readonly bytes: Uint8Array }
  | { readonly type: typeof RecordType.NS | typeof RecordType.PTR; readonly target: string }
  | SrvData
  | SoaData;

/** Names are lower-case, without the dot at the end; the root is "". */
export interface ResourceRecord {
  readonly name: string;
  readonly ttlSeconds: number;
  readonly data: RecordData;
}

export interface Question {
  /** Lower-case, without the dot at the end; a byte that no host name has is written `\ddd`. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Name, type and class as they came: the response repeats them, upper-case letters included. */
  readonly wire: Uint8Array;
}

/** What a response says, whatever the transport makes of it. */
export interface Answer {
  readonly rcode: Rcode;
  readonly authoritative: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
}
