import { createSocket } from "node:dgram";
import { type DnsFault, faultyAnswer, questionOf } from "./dns-message.ts";
import { now } from "./stream-log.ts";

/** A question that a client has asked. */
export interface DnsQuery {
  /** Unit: milliseconds since the epoch. */
  at: number;
  /** Name and type. */
  question: string;
}

/** The DNS server that one client knows: it notes the queries, and hands them on unless it is told to be faulty. */
export interface DnsFront extends AsyncDisposable {
  /** `ip:port`. */
  server: string;
  queries: readonly DnsQuery[];
  /** Undefined: well again. */
  setFault(fault: DnsFault | undefined): void;
}

/** UDP only: the answers of a service with three instances fit. */
export async function openDnsFront(backendPort: number): Promise<DnsFront> {
  const front = createSocket("udp4");
  const queries: DnsQuery[] = [];
  let fault: DnsFault | undefined;
  front.on("message", (query, { port, address }) => {
    const question = questionOf(query);
    if (question === undefined) return;
    queries.push({ at: now(), question });
    if (fault !== undefined) {
      const answer = faultyAnswer(query, fault);
      if (answer !== undefined) front.send(answer, port, address);
      return;
    }
    // A socket for each query: whose answer it is needs no looking into. One that never comes is the server's fault.
    const back = createSocket("udp4");
    back.once("message", (answer) => {
      front.send(answer, port, address);
      back.close();
    });
    back.send(query, backendPort, "127.0.0.1");
  });
  await new Promise<void>((resolve) => front.bind(0, "127.0.0.1", resolve));
  return {
    server: `127.0.0.1:${front.address().port}`,
    queries,
    setFault: (wanted) => {
      fault = wanted;
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => front.close(() => resolve())),
  };
}
