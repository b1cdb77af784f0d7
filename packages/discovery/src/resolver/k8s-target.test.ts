// SPDX-License-Identifier: MIT
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { authorityOf, candidatesOf, parseK8sTarget, scopeOf } from "./k8s-target.ts";

function outcomeOf(target: string): string {
  try {
    const { host, port } = parseK8sTarget(target);
    return `${host}:${port}`;
  } catch (error) {
    return error instanceof Error ? error.name : "thrown";
  }
}

describe("parseK8sTarget()", () => {
  test.each([
    ["k8s:///payment-service:grpc", { host: "payment-service", absolute: false, port: "grpc" }],
    ["k8s:///payment-service.payments:grpc", { host: "payment-service.payments", absolute: false, port: "grpc" }],
    [
      "k8s:///payment-service.payments.svc:50051",
      { host: "payment-service.payments.svc", absolute: false, port: 50051 },
    ],
    ["k8s:///a.b.svc.cluster.local:65535", { host: "a.b.svc.cluster.local", absolute: false, port: 65535 }],
    ["k8s:///a.b.svc.cluster.local.:1", { host: "a.b.svc.cluster.local", absolute: true, port: 1 }],
    ["k8s:///Payment-Service.Payments:GRPC", { host: "payment-service.payments", absolute: false, port: "grpc" }],
    ["k8s:///a.123:http2", { host: "a.123", absolute: false, port: "http2" }],
  ])("reads %s", (target, parsed) => {
    expect(parseK8sTarget(target)).toEqual(parsed);
  });

  test.each([
    ["k8s:///10.0.0.1:50051", "never an address"],
    ["k8s:///10.0.0.1.:50051", "never an address"],
    ["k8s:///127.1:50051", "never an address"],
    ["k8s:///2130706433:50051", "never an address"],
    ["k8s:///0x7f.0.0.1:50051", "never an address"],
    ["k8s:///[::1]:50051", "never an address"],
    ["k8s:///::1", "never an address"],
    ["k8s:///fe80::1:50051", "never an address"],
    ["k8s:///localhost:50051", "is this machine"],
  ])("S: refuses %s, since a client names a service, never an address", (target, why) => {
    expect(() => parseK8sTarget(target)).toThrow(why);
  });

  test.each([
    ["payment-service.payments:grpc", "does not begin with k8s:///"],
    ["k8s:payment-service:grpc", "does not begin with k8s:///"],
    ["dns:///payment-service:50051", 'its scheme is "dns"'],
    ["k8s://payment-service.payments:grpc", "three slashes"],
    ["k8s://10.96.0.10/payment-service:grpc", "three slashes"],
    ["k8s:///:grpc", "names no service"],
    ["k8s:///.:grpc", "names no service"],
    ["k8s:///payment_service:grpc", '"payment_service" is not'],
    ["k8s:///-payment:grpc", '"-payment" is not'],
    ["k8s:///payment-.payments:grpc", '"payment-" is not'],
    ["k8s:///payment..payments:grpc", '"" is not'],
    ["k8s:///payment.payments..:grpc", '"" is not'],
    [`k8s:///${"a".repeat(64)}:grpc`, "is not 1 to 63"],
    ["k8s:///payment/payments:grpc", '"payment/payments" is not'],
    ["k8s:///bücher:grpc", '"bücher" is not'],
    ["k8s:///payment-service.payments", "no port"],
    ["k8s:///payment-service.payments:", "no port"],
    ["k8s:///payment-service:0", 'its port "0"'],
    ["k8s:///payment-service:70000", 'its port "70000"'],
    ["k8s:///payment-service:050051", 'its port "050051"'],
    ["k8s:///payment-service:-1", 'its port "-1"'],
    ["k8s:///payment-service:a--b", 'its port "a--b"'],
    ["k8s:///payment-service:a-very-long-port", 'its port "a-very-long-port"'],
    [`k8s:///${Array(64).fill("aaa").join(".")}:1`, "longer than 253"],
    // 253 characters by themselves, and more with the name of the port before them.
    [`k8s:///${"a".repeat(50)}${`.${"b".repeat(28)}`.repeat(7)}:grpc`, "longer than 253"],
  ])("S: refuses %s and shows what a right one looks like", (target, why) => {
    expect(() => parseK8sTarget(target)).toThrow(why);
    expect(() => parseK8sTarget(target)).toThrow("a target looks like k8s:///payment-service.payments:grpc");
  });

  test("either reads a target or throws a TypeError, whatever it is", () => {
    const path = fc
      .string({ unit: fc.constantFrom(...Array.from("aZ09-._:/[]%@?é😀\0 ")) })
      .map((each) => `k8s:///${each}`);
    fc.assert(
      fc.property(fc.oneof(fc.string(), path), (target) => {
        expect(outcomeOf(target)).toMatch(/^([a-z0-9.-]{1,253}:[a-z0-9-]{1,15}|TypeError)$/);
      }),
      { numRuns: 500 },
    );
  });
});

describe("candidatesOf()", () => {
  const scope = scopeOf({ namespace: "orders", search: ["corp.example."] });
  const names = (path: string, within = scope) => candidatesOf(parseK8sTarget(`k8s:///${path}`), within);

  test("follows a pod's search path, then the machine's, and the name as it is last", () => {
    expect(names("payment-service.payments:grpc")).toEqual([
      "payment-service.payments.orders.svc.cluster.local",
      "payment-service.payments.svc.cluster.local",
      "payment-service.payments.cluster.local",
      "payment-service.payments.corp.example",
      "payment-service.payments",
    ]);
  });

  test("finds a short name in the own namespace first", () => {
    expect(names("payment-service:grpc")[0]).toBe("payment-service.orders.svc.cluster.local");
  });

  test("finds name.namespace.svc through the domain", () => {
    expect(names("payment-service.payments.svc:grpc")[2]).toBe("payment-service.payments.svc.cluster.local");
  });

  test("asks for a full name and for one with a trailing dot as they are, and for nothing else", () => {
    expect(names("a.b.svc.cluster.local:grpc")).toEqual(["a.b.svc.cluster.local"]);
    expect(names("a.b.:grpc")).toEqual(["a.b"]);
  });

  test("tries a name with ndots dots as it is first", () => {
    expect(names("a.b.c.d.e.f:1")[0]).toBe("a.b.c.d.e.f");
    expect(names("a.b.c.d.e:1")[0]).toBe("a.b.c.d.e.orders.svc.cluster.local");
    expect(names("a.b:1", scopeOf({ ndots: 1 }))[0]).toBe("a.b");
  });

  test("leaves out a name that has become too long, and one that is there already", () => {
    const long = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(55)}`;
    expect(names(`${long}:1`)).toEqual([`${long}.cluster.local`, `${long}.corp.example`, long]);
    expect(names("a:1", scopeOf({ search: ["svc.cluster.local"] }))).toHaveLength(4);
  });
});

describe("scopeOf()", () => {
  test.each([
    [{ domain: "cluster local" }, "domain must be a DNS name"],
    [{ namespace: "a.b" }, "namespace must be one DNS label"],
    [{ search: ["ok.example", ""] }, "search must be a DNS name"],
    [{ ndots: 16 }, "ndots must be 0 to 15, is 16"],
    [{ ndots: 1.5 }, "ndots must be 0 to 15, is 1.5"],
  ])("refuses %o", (scope, why) => {
    expect(() => scopeOf(scope)).toThrow(why);
  });
});

describe("authorityOf()", () => {
  test.each([
    ["payment-service:grpc", "payment-service.orders.svc.cluster.local"],
    ["payment-service.payments:grpc", "payment-service.payments.svc.cluster.local"],
    ["payment-service.payments.svc:50051", "payment-service.payments.svc.cluster.local"],
    ["payment-service.payments.svc.cluster.local:50051", "payment-service.payments.svc.cluster.local"],
    ["payment-service.payments.svc.cluster.local.:grpc", "payment-service.payments.svc.cluster.local"],
    ["api.example.com:443", "api.example.com"],
    ["example.com.:443", "example.com"],
  ])("names the service of %s by its whole name", (path, authority) => {
    expect(authorityOf(parseK8sTarget(`k8s:///${path}`), scopeOf({ namespace: "orders" }))).toBe(authority);
  });
});
