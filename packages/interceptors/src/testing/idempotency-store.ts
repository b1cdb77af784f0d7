// SPDX-License-Identifier: MIT
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";

// As idempotency-store.ts has them, said again: this file is copied with any of the others.
interface Claim {
  readonly principal: string;
  readonly method: string;
  readonly key: string;
  readonly token: string;
}
interface Request extends Claim {
  readonly fingerprint: Uint8Array;
  readonly leaseMs: number;
  readonly ttlMs: number;
  readonly transactional: boolean;
}
interface Answer {
  readonly code: number;
  readonly details: string;
  readonly trailers: string;
  readonly response: Uint8Array | undefined;
}
interface Scope {
  readonly deadline: number;
  readonly signal: AbortSignal;
}
interface Store {
  begin(request: Request, scope: Scope): Promise<{ readonly kind: string }>;
  finish(claim: Claim, answer: Answer, scope: Scope): Promise<boolean>;
  abandon(claim: Claim, scope: Scope): Promise<void>;
}

/** A store to test, and how to let its time pass. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store;
  passTime(ms: number): Promise<void>;
}

const scope: Scope = { deadline: Infinity, signal: new AbortController().signal };
const sha256 = (text: string): Uint8Array => createHash("sha256").update(text).digest();

export function aClaim(given: Partial<Request> = {}): Request {
  return {
    principal: "alice",
    method: "/test.v1.Test/Get",
    key: "key-1",
    token: "token-1",
    fingerprint: sha256("request"),
    leaseMs: 10_000,
    ttlMs: 86_400_000,
    transactional: false,
    ...given,
  };
}

export function anAnswer(given: Partial<Answer> = {}): Answer {
  return { code: 0, details: "", trailers: '{"a":["1"]}', response: Buffer.from("response"), ...given };
}

/** What every store of idempotency keys must do. */
export function describeIdempotencyStore(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a store of idempotency keys`, () => {
    test("K2: the same key of another principal, or of another method, is another key", async () => {
      await using made = await make();
      const { store } = made;
      const others = [
        aClaim(),
        aClaim({ principal: "bob" }),
        aClaim({ method: "/test.v1.Test/Put" }),
        aClaim({ key: "k" }),
      ];
      for (const each of others) expect(await store.begin(each, scope)).toEqual({ kind: "new" });
      await store.finish(aClaim(), anAnswer(), scope);
      const again = await Promise.all(others.map((each) => store.begin({ ...each, token: "token-2" }, scope)));
      expect(again.map(({ kind }) => kind)).toEqual(["replay", "in_progress", "in_progress", "in_progress"]);
    });

    test("K3: of many claims at once one is new, and the others are told how long it may take", async () => {
      await using made = await make();
      const claims = Array.from({ length: 20 }, (_, index) => aClaim({ token: `token-${index}` }));
      const begun = await Promise.all(claims.map((each) => made.store.begin(each, scope)));
      expect(begun.filter(({ kind }) => kind === "new")).toHaveLength(1);
      expect(begun.filter(({ kind }) => kind === "in_progress")).toHaveLength(19);
      const later = (await made.store.begin(aClaim({ token: "late" }), scope)) as { leaseLeftMs?: number };
      expect(later.leaseLeftMs).toBeGreaterThan(5_000);
      expect(later.leaseLeftMs).toBeLessThanOrEqual(10_000);
    });

    test("K3: the same claim again is new again, since the first answer may have been lost", async () => {
      await using made = await make();
      await made.store.begin(aClaim(), scope);
      expect(await made.store.begin(aClaim(), scope)).toEqual({ kind: "new" });
    });

    test("K3: an answer is forgotten after its time to live, and the key is free for any request", async () => {
      await using made = await make();
      await made.store.begin(aClaim(), scope);
      await made.store.finish(aClaim(), anAnswer(), scope);
      await made.passTime(86_400_001);
      const other = aClaim({ token: "token-2", fingerprint: sha256("another") });
      expect(await made.store.begin(other, scope)).toEqual({ kind: "new" });
      expect(await made.store.begin(aClaim({ token: "token-3" }), scope)).toEqual({ kind: "mismatch" });
    });

    test("K4: an answer comes back byte by byte", async () => {
      await using made = await make();
      const bytes = Buffer.from([0, 255, 10, 13, 128]);
      const answers = [
        anAnswer({ response: bytes }),
        anAnswer({ code: 5, details: "50 % – „weg“", response: undefined }),
      ];
      for (const [index, answer] of answers.entries()) {
        const claim = aClaim({ key: `key-${index}` });
        await made.store.begin(claim, scope);
        expect(await made.store.finish(claim, answer, scope)).toBe(true);
        const again = await made.store.begin({ ...claim, token: "token-2" }, scope);
        expect(again).toMatchObject({ kind: "replay", answer: { code: answer.code, details: answer.details } });
        const { answer: kept } = again as { answer?: Answer };
        expect(kept?.trailers).toBe(answer.trailers);
        expect(kept?.response && Buffer.from(kept.response)).toEqual(answer.response);
      }
    });

    test("K5: another request with the key is a mismatch, while it is in progress and when it is done", async () => {
      await using made = await make();
      const other = aClaim({ token: "token-2", fingerprint: sha256("another"), transactional: true });
      await made.store.begin(aClaim(), scope);
      expect(await made.store.begin(other, scope)).toEqual({ kind: "mismatch" });
      await made.passTime(10_001);
      expect(await made.store.begin(other, scope)).toEqual({ kind: "mismatch" });
      await made.store.finish(aClaim(), anAnswer(), scope);
      expect(await made.store.begin(other, scope)).toEqual({ kind: "mismatch" });
    });

    test("K7: an abandoned claim was never there; one that is finished, or another's, cannot be abandoned", async () => {
      await using made = await make();
      await made.store.begin(aClaim(), scope);
      await made.store.abandon(aClaim({ token: "another" }), scope);
      expect(await made.store.begin(aClaim({ token: "token-2" }), scope)).toMatchObject({ kind: "in_progress" });
      await made.store.abandon(aClaim(), scope);
      expect(await made.store.begin(aClaim({ token: "token-2" }), scope)).toEqual({ kind: "new" });
      await made.store.finish(aClaim({ token: "token-2" }), anAnswer(), scope);
      await made.store.abandon(aClaim({ token: "token-2" }), scope);
      expect(await made.store.begin(aClaim({ token: "token-3" }), scope)).toMatchObject({ kind: "replay" });
    });

    test("K8: after its lease the outcome is unknown, and whoever held it may still finish", async () => {
      await using made = await make();
      await made.store.begin(aClaim(), scope);
      await made.passTime(9_000);
      expect(await made.store.begin(aClaim({ token: "token-2" }), scope)).toMatchObject({ kind: "in_progress" });
      await made.passTime(1_001);
      expect(await made.store.begin(aClaim({ token: "token-2" }), scope)).toEqual({ kind: "unknown" });
      expect(await made.store.finish(aClaim(), anAnswer(), scope)).toBe(true);
      expect(await made.store.begin(aClaim({ token: "token-2" }), scope)).toMatchObject({ kind: "replay" });
    });

    test("K8: a transactional claim is taken over after its lease, and its first holder cannot finish it", async () => {
      await using made = await make();
      const second = aClaim({ token: "token-2", transactional: true });
      await made.store.begin(aClaim({ transactional: true }), scope);
      expect(await made.store.begin(second, scope)).toMatchObject({ kind: "in_progress" });
      await made.passTime(10_001);
      expect(await made.store.begin(second, scope)).toEqual({ kind: "new" });
      expect(await made.store.finish(aClaim(), anAnswer({ code: 9, response: undefined }), scope)).toBe(false);
      expect(await made.store.finish(second, anAnswer(), scope)).toBe(true);
      const third = aClaim({ token: "token-3", transactional: true });
      expect(await made.store.begin(third, scope)).toMatchObject({ kind: "replay", answer: { code: 0 } });
    });
  });
}
