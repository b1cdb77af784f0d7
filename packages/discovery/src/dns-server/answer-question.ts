// SPDX-License-Identifier: MIT
/**
 * Copy:    dns-server/answer-question.ts
 * Place:   between decode-query.ts and encode-response.ts.
 * Does:    answers a question from a zone: the records; a name that exists without such a record (NODATA); no such name
 *          (NXDOMAIN); or that somebody else has to be asked (REFUSED).
 * Doesn't: recurse, forward, follow aliases or transfer the zone.
 * With:    dns-server/cluster-records.ts, dns-server/message.ts
 * Source:  RFC 1034 section 4.3.2, RFC 2308 (negative answers), RFC 8020 (a name above others exists).
 */
import type { ClusterZone } from "./cluster-records.ts";
import { type Answer, type Question, Rcode, RecordClass, RecordType, type ResourceRecord } from "./message.ts";

/** TKEY, TSIG, transfers of the zone and two obsolete kinds: not questions for records. Source: RFC 6895. */
const META_TYPES = { first: 249, last: 254 };

export function answerQuestion({ domain, soa, names }: ClusterZone, question: Question): Answer {
  const ofClass = question.class === RecordClass.Internet || question.class === RecordClass.Any;
  const meta = question.type >= META_TYPES.first && question.type <= META_TYPES.last;
  const inDomain = question.name === domain || question.name.endsWith(`.${domain}`);
  const known = names.get(question.name);
  // Of the reverse zones, only the names that it has are the server's.
  if (!ofClass || meta || (!inDomain && known === undefined)) return answer(Rcode.Refused, false);

  const absent = [inDomain ? soa : { ...soa, name: question.name }];
  if (known === undefined) return answer(Rcode.NameError, true, [], absent);
  const answers = known.filter(({ data }) => question.type === RecordType.ANY || data.type === question.type);
  if (answers.length === 0) return answer(Rcode.NoError, true, [], absent);
  return answer(Rcode.NoError, true, answers, [], addressesOf(answers, names));
}

/** Of the hosts that the records name, so that nobody has to ask again. */
function addressesOf(records: readonly ResourceRecord[], names: ClusterZone["names"]): ResourceRecord[] {
  const targets = new Set(
    records.flatMap(({ data }) => (data.type === RecordType.SRV || data.type === RecordType.NS ? data.target : [])),
  );
  return [...targets]
    .flatMap((target) => names.get(target) ?? [])
    .filter(({ data }) => data.type === RecordType.A || data.type === RecordType.AAAA);
}

function answer(
  rcode: Rcode,
  authoritative: boolean,
  answers: readonly ResourceRecord[] = [],
  authority: readonly ResourceRecord[] = [],
  additional: readonly ResourceRecord[] = [],
): Answer {
  return { rcode, authoritative, answers, authority, additional };
}
