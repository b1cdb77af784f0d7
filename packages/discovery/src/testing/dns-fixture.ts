// SPDX-License-Identifier: MIT
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv4 } from "node:net";

/** How a question is answered; "well": from the records, as a server should. */
export type DnsMode = "well" | "empty" | "nxdomain" | "servfail" | "refused" | "garbage" | "silent";

export interface DnsRecords {
  /** IPv4 and IPv6 as they are. */
  addresses?: readonly string[];
  srv?: readonly { target: string; port: number; priority?: number; weight?: number }[];
  /** Unit: seconds. @default 5 */
  ttl?: number;
}

const TYPES: Record<number, "A" | "AAAA" | "SRV"> = { 1: "A", 28: "AAAA", 33: "SRV" };
const RCODES: Partial<Record<DnsMode, number>> = { servfail: 2, nxdomain: 3, refused: 5 };

/** A real DNS server on UDP of loopback whose answers a test chooses, and misbehaviour with them. */
export class DnsFixture implements AsyncDisposable {
  /** By name, lower case. A name that is missing does not exist. */
  readonly records = new Map<string, DnsRecords>();
  /** For every question. */
  mode: DnsMode = "well";
  /** For one question, such as "a.b.svc.cluster.local AAAA"; comes before `mode`. */
  readonly modes = new Map<string, DnsMode>();
  /** What was asked, such as "a.b.svc.cluster.local A". */
  readonly questions: string[] = [];
  readonly #socket = createSocket("udp4");

  private constructor() {
    this.#socket.on("message", (query, { port, address }) => {
      const reply = this.#answer(query);
      if (reply !== undefined) this.#socket.send(reply, port, address);
    });
  }

  static async start(records: Record<string, DnsRecords> = {}): Promise<DnsFixture> {
    const fixture = new DnsFixture();
    for (const [name, each] of Object.entries(records)) fixture.records.set(name, each);
    fixture.#socket.bind(0, "127.0.0.1");
    await once(fixture.#socket, "listening");
    return fixture;
  }

  /** As `CLUSTER_DNS` has it. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  #answer(query: Buffer): Buffer | undefined {
    const { name, end } = questionOf(query);
    const type = TYPES[query.readUInt16BE(end)] ?? "A";
    this.questions.push(`${name} ${type}`);
    const mode = this.modes.get(`${name} ${type}`) ?? this.mode;
    if (mode === "silent") return undefined;
    if (mode === "garbage") return Buffer.concat([query.subarray(0, 2), Buffer.alloc(40, 0xc1)]);
    const found = this.records.get(name);
    const rcode = RCODES[mode] ?? (found === undefined && mode === "well" ? 3 : 0);
    const data = rcode === 0 && mode === "well" && found !== undefined ? dataOf(found, type) : [];
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // A response, authoritative, recursion available.
    header.writeUInt16BE(0x8480 | rcode, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(data.length, 6);
    const answers = data.map((each) => {
      const fixed = Buffer.alloc(12);
      // The name is the question's.
      fixed.writeUInt16BE(0xc00c, 0);
      query.copy(fixed, 2, end, end + 4);
      fixed.writeUInt32BE(found?.ttl ?? 5, 6);
      fixed.writeUInt16BE(each.length, 10);
      return Buffer.concat([fixed, each]);
    });
    return Buffer.concat([header, query.subarray(12, end + 4), ...answers]);
  }
}

/** The name asked for, and where its type begins. */
function questionOf(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  while (query.readUInt8(at) > 0) {
    const length = query.readUInt8(at);
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

function dataOf({ addresses = [], srv = [] }: DnsRecords, type: "A" | "AAAA" | "SRV"): Buffer[] {
  if (type === "SRV") {
    return srv.map(({ target, port, priority = 0, weight = 100 }) => {
      const fixed = Buffer.alloc(6);
      [priority, weight, port].forEach((value, index) => void fixed.writeUInt16BE(value, index * 2));
      const labels = target.split(".").filter((label) => label !== "");
      const parts = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
      return Buffer.concat([fixed, ...parts, Buffer.from([0])]);
    });
  }
  return addresses.filter((address) => isIPv4(address) === (type === "A")).map(bytesOf);
}

function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail = ""] = address.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const gap = 8 - groups(head).length - groups(tail).length;
  const all = address.includes("::")
    ? [...groups(head), ...Array<string>(gap).fill("0"), ...groups(tail)]
    : groups(head);
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
