// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { answerQuestion } from "./answer-question.ts";
import { clusterRecords } from "./cluster-records.ts";
import { Rcode, RecordType } from "./message.ts";

const zone = clusterRecords([
  {
    service: "payment",
    namespace: "payments",
    portName: "grpc",
    instances: [
      { hostname: "payment-0", ipv4: "127.0.0.1", ipv6: "::1", port: 50_051 },
      { hostname: "payment-1", ipv4: "127.0.0.2", port: 50_052 },
    ],
  },
  { service: "order", namespace: "orders", portName: "grpc", instances: [] },
]);

function ask(name: string, type: number = RecordType.A, recordClass = 1) {
  return answerQuestion(zone, { name, type, class: recordClass, wire: Uint8Array.of() });
}

const serviceName = "payment.payments.svc.cluster.local";

describe("answerQuestion()", () => {
  test("answers with the records of the type, and with no others", () => {
    const answer = ask(serviceName);
    expect(answer).toMatchObject({ rcode: Rcode.NoError, authoritative: true, authority: [], additional: [] });
    expect(answer.answers.map(({ data }) => data.type)).toEqual([RecordType.A, RecordType.A]);
  });

  test("adds to SRV and NS the addresses of the hosts that they name", () => {
    const srv = ask(`_grpc._tcp.${serviceName}`, RecordType.SRV);
    expect(srv.answers).toHaveLength(2);
    expect(srv.additional.map(({ name, data }) => [name, data.type])).toEqual([
      [`payment-0.${serviceName}`, RecordType.A],
      [`payment-0.${serviceName}`, RecordType.AAAA],
      [`payment-1.${serviceName}`, RecordType.A],
    ]);
    expect(ask("cluster.local", RecordType.NS).additional).toMatchObject([{ name: "ns.dns.cluster.local" }]);
  });

  test.each<[string, string, number]>([
    ["a service by another type", serviceName, RecordType.SRV],
    ["an instance without IPv6", `payment-1.${serviceName}`, RecordType.AAAA],
    ["a port by another type", `_grpc._tcp.${serviceName}`, RecordType.A],
    ["a protocol", `_tcp.${serviceName}`, RecordType.SRV],
    ["a namespace", "payments.svc.cluster.local", RecordType.A],
    ["a namespace where nothing is ready", "orders.svc.cluster.local", RecordType.A],
    ["the domain", "cluster.local", RecordType.A],
    ["all services", "svc.cluster.local", RecordType.NS],
    ["a type that nobody knows", serviceName, 65_280],
  ])("NODATA: %s exists without such a record", (_, name, type) => {
    expect(ask(name, type)).toEqual({
      rcode: Rcode.NoError,
      authoritative: true,
      answers: [],
      authority: [zone.soa],
      additional: [],
    });
  });

  test.each<[string, string]>([
    ["a service", "refund.payments.svc.cluster.local"],
    ["a service without a ready instance", "order.orders.svc.cluster.local"],
    ["its port", "_grpc._tcp.order.orders.svc.cluster.local"],
    ["a port", `_http._tcp.${serviceName}`],
    ["a protocol", `_grpc._udp.${serviceName}`],
    ["an instance", `payment-2.${serviceName}`],
    ["a name below an instance", `a.payment-0.${serviceName}`],
    ["a namespace", "payment.refunds.svc.cluster.local"],
    ["a pod", "127-0-0-1.payments.pod.cluster.local"],
    ["a name with a dot in a label", String.raw`payment\046payments.svc.cluster.local`],
  ])("NXDOMAIN: there is no such name of %s", (_, name) => {
    expect(ask(name)).toMatchObject({
      rcode: Rcode.NameError,
      authoritative: true,
      answers: [],
      authority: [zone.soa],
    });
  });

  test.each<[string, string, number, number]>([
    ["another domain", "example.com", RecordType.A, 1],
    ["a domain that ends in the same letters", "notcluster.local", RecordType.A, 1],
    ["a label that holds the dot", String.raw`x\046cluster.local`, RecordType.A, 1],
    ["what is above the domain", "local", RecordType.A, 1],
    ["the root", "", RecordType.NS, 1],
    ["an address that no instance has", "9.0.0.127.in-addr.arpa", RecordType.PTR, 1],
    ["another class", serviceName, RecordType.A, 3],
    ["a transfer of the zone", "cluster.local", 252, 1],
  ])("REFUSED: %s is not the server's", (_, name, type, recordClass) => {
    expect(ask(name, type, recordClass)).toEqual({
      rcode: Rcode.Refused,
      authoritative: false,
      answers: [],
      authority: [],
      additional: [],
    });
  });

  test("answers for the addresses that it knows with an authority that is theirs", () => {
    const name = "1.0.0.127.in-addr.arpa";
    expect(ask(name, RecordType.PTR).answers).toMatchObject([{ data: { target: `payment-0.${serviceName}` } }]);
    expect(ask(name, RecordType.A)).toMatchObject({ rcode: Rcode.NoError, authority: [{ name }] });
  });

  test("answers a question for any type or class with all that there is", () => {
    expect(ask(serviceName, RecordType.ANY, 255).answers).toHaveLength(3);
  });
});
