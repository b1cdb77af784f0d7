// SPDX-License-Identifier: MIT
import type { Dns, DnsAnswer, SrvRecord } from "../resolver/dns-lookup.ts";

/** Answers from tables; what is in none of them does not exist. */
export class FakeDns implements Dns {
  readonly servers = ["10.96.0.10:53"];
  readonly addresses: Record<string, readonly string[]> = {};
  readonly services: Record<string, readonly Partial<SrvRecord>[]> = {};
  /** Names that nobody can say anything of, with or without the type. */
  failing: string[] = [];
  /** Questions that have no answer until `release()` or `cancel()`. */
  silent = (_question: string): boolean => false;
  readonly asked: string[] = [];
  cancelled = 0;
  readonly #held: { well: () => void; cancelled: () => void }[] = [];

  a = (name: string) =>
    this.#answer(
      `${name} A`,
      name,
      this.addresses[name]?.filter((each) => each.includes(".")),
    );
  aaaa = (name: string) =>
    this.#answer(
      `${name} AAAA`,
      name,
      this.addresses[name]?.filter((each) => each.includes(":")),
    );
  srv = (name: string) => {
    const records = this.services[name]?.map((each) => ({ target: "", port: 1, priority: 0, weight: 100, ...each }));
    return this.#answer(`${name} SRV`, name, records);
  };

  /** Answers what was held back. */
  release(): void {
    for (const { well } of this.#held.splice(0)) well();
  }

  cancel = (): void => {
    this.cancelled += 1;
    for (const { cancelled } of this.#held.splice(0)) cancelled();
  };

  async #answer<Value>(key: string, name: string, values: readonly Value[] = []): Promise<DnsAnswer<Value>> {
    this.asked.push(key);
    if (this.silent(key)) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      this.#held.push({ well: () => resolve(true), cancelled: () => resolve(false) });
      if (!(await promise)) return { kind: "failure", why: "given up" };
    }
    if (this.failing.includes(key) || this.failing.includes(name)) return { kind: "failure", why: "server failure" };
    if (values.length > 0) return { kind: "records", values, ttlMs: 5_000 };
    const noName = this.addresses[name] === undefined && this.services[name] === undefined;
    return { kind: "none", why: noName ? "no such name" : "no such record", noName };
  }
}
