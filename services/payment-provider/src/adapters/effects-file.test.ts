import { appendFile, type FileHandle, open, readFile, writeFile } from "node:fs/promises";
import { createLogger } from "@holdfast/process";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { NewEffect } from "../domain/effect.ts";
import { effectsIn, tempFile } from "../temp-file.fixture.ts";
import { openEffectsFile } from "./effects-file.ts";

const aCapture = (key: string): Extract<NewEffect, { type: "capture" }> => ({
  type: "capture",
  id: `cap_${key}`,
  idempotency_key: key,
  order_id: "ord_1",
  customer_id: "cus_1",
  amount_minor: "1099",
  currency_code: "GBP",
  payment_method: "pm_card_ok",
});

function openForTest(path: string, lines: string[] = []) {
  const log = createLogger({ service: "test", destination: { write: (line) => void lines.push(line) } });
  const onBroken = (error: unknown) => {
    throw error;
  };
  return openEffectsFile({ path, log, now: () => 0, onBroken });
}

/** The names of the file calls that have ended from now on, in order. The calls themselves stay as they are. */
async function watchDisk(path: string): Promise<{ done: string[] }> {
  const done: string[] = [];
  await using handle = await open(path, "r");
  const calls = Object.getPrototypeOf(handle) as FileHandle;
  for (const name of ["appendFile", "datasync"] as const) {
    const real: (...args: never[]) => Promise<void> = calls[name];
    vi.spyOn(calls, name).mockImplementation(async function (this: FileHandle, ...args: unknown[]) {
      await real.apply(this, args as never[]);
      done.push(name);
    });
  }
  return { done };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("openEffectsFile()", () => {
  test("has an effect on the disk before it tells of it", async () => {
    await using temp = await tempFile();
    await using effects = await openForTest(temp.path);
    const disk = await watchDisk(temp.path);
    const told = await effects.append(aCapture("a"));
    expect(disk.done).toEqual(["appendFile", "datasync"]);
    expect(told).toMatchObject({ seq: 1, time: "1970-01-01T00:00:00.000Z", idempotency_key: "a" });
    expect(await effectsIn(temp.path)).toEqual([told]);
  });

  test("lets effects that wait at the same time share one flush", async () => {
    await using temp = await tempFile();
    await using effects = await openForTest(temp.path);
    const disk = await watchDisk(temp.path);
    await Promise.all(Array.from({ length: 100 }, (_, i) => effects.append(aCapture(`k${i}`))));
    expect(disk.done.filter((call) => call === "datasync").length).toBeLessThanOrEqual(2);
  });

  test("keeps order and numbers when 500 effects come at once", async () => {
    await using temp = await tempFile();
    await using effects = await openForTest(temp.path);
    const told = await Promise.all(Array.from({ length: 500 }, (_, i) => effects.append(aCapture(`k${i}`))));
    expect(await effectsIn(temp.path)).toEqual(told);
    expect(told.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
  });

  test("knows everything again after a restart", async () => {
    await using temp = await tempFile();
    {
      await using first = await openForTest(temp.path);
      await first.append(aCapture("a"));
      await first.append({ ...aCapture("d"), type: "decline", decline_code: "card_declined" });
      await first.append({
        type: "refund",
        id: "ref_1",
        idempotency_key: "r",
        order_id: "ord_1",
        amount_minor: "9",
        currency_code: "GBP",
        capture_id: "cap_a",
        reason: "näher",
      });
    }
    await using again = await openForTest(temp.path);
    expect(again.count).toBe(3);
    expect(again.withKey("a")).toHaveLength(1);
    expect(again.capture("cap_d")).toMatchObject({ type: "decline" });
    expect(again.refundsOf("cap_a")).toMatchObject([{ id: "ref_1", reason: "näher" }]);
    expect(await again.append(aCapture("b"))).toMatchObject({ seq: 4 });
  });

  test("cuts off a last line that was torn, wherever it was torn, and says so", async () => {
    await using temp = await tempFile();
    {
      await using first = await openForTest(temp.path);
      await first.append(aCapture("a"));
      await first.append(aCapture("b"));
    }
    const whole = await readFile(temp.path);
    const firstLine = whole.indexOf(0x0a) + 1;
    for (let end = firstLine + 1; end < whole.length; end += 1) {
      await writeFile(temp.path, whole.subarray(0, end));
      const lines: string[] = [];
      await using effects = await openForTest(temp.path, lines);
      expect(effects.count).toBe(1);
      expect(lines.join("")).toContain(`"cutBytes":${end - firstLine}`);
      await effects.append(aCapture("c"));
      expect(await effectsIn(temp.path)).toMatchObject([{ idempotency_key: "a" }, { seq: 2, idempotency_key: "c" }]);
    }
  });

  test.each([
    ["no JSON", "oops\n"],
    ["no effect", "{}\n"],
    ["a wrong number", `${JSON.stringify({ seq: 7, time: "1970-01-01T00:00:00.000Z", ...aCapture("z") })}\n`],
    ["invalid UTF-8", Buffer.from([0xff, 0x0a])],
  ])("does not start on a complete line with %s", async (_what, damage) => {
    await using temp = await tempFile();
    {
      await using first = await openForTest(temp.path);
      await first.append(aCapture("a"));
    }
    await appendFile(temp.path, damage);
    await expect(openForTest(temp.path)).rejects.toThrow(/Cannot use the effects file|not valid/);
    await expect(effectsIn(temp.path)).rejects.toThrow(/Cannot use the effects file|not valid/);
  });
});

describe("readEffects()", () => {
  test("leaves out a last line that is still being written", async () => {
    await using temp = await tempFile();
    await using effects = await openForTest(temp.path);
    await effects.append(aCapture("a"));
    await appendFile(temp.path, '{"seq":2,');
    expect(await effectsIn(temp.path)).toHaveLength(1);
  });
});
