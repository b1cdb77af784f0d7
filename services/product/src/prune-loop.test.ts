import { createLogger } from "@holdfast/process";
import { DatabaseError } from "@holdfast/storage";
import { describe, expect, test } from "vitest";
import { pruneLoop } from "./prune-loop.ts";

const log = createLogger({ service: "product", level: "silent" });

describe("pruneLoop()", () => {
  test("goes on while there is more, comes again after the interval, and ends with its signal", async () => {
    const answers = [true, true, false, true, false];
    const end = new AbortController();
    let calls = 0;
    const prune = async () => {
      calls += 1;
      if (calls === answers.length) end.abort();
      return answers[calls - 1] ?? false;
    };
    await pruneLoop({ prune, intervalMs: 1, signal: end.signal, log });
    expect(calls).toBe(5);
  });

  test("survives an outage of the database", async () => {
    const end = new AbortController();
    let calls = 0;
    const prune = async () => {
      calls += 1;
      if (calls === 1) throw new DatabaseError("unavailable", "Cannot reach the database");
      end.abort();
      return false;
    };
    await pruneLoop({ prune, intervalMs: 1, signal: end.signal, log });
    expect(calls).toBe(2);
  });
});
