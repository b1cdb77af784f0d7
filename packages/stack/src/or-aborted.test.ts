import { describe, expect, test } from "vitest";
import { orAborted } from "./or-aborted.ts";

describe("orAborted()", () => {
  test("gives what the promise gives", async () => {
    await expect(orAborted(Promise.resolve(1), new AbortController().signal)).resolves.toBe(1);
  });

  test("does not wait any longer when the signal aborts", async () => {
    const stopping = new AbortController();
    const waiting = orAborted(new Promise(() => undefined), stopping.signal);
    stopping.abort(new Error("stopped"));
    await expect(waiting).rejects.toThrow("stopped");
  });

  test("rejects where the signal was aborted before, even with a promise that is kept", async () => {
    await expect(orAborted(Promise.resolve(1), AbortSignal.abort(new Error("stopped")))).rejects.toThrow("stopped");
  });

  test("sees to a promise that is broken after the signal was aborted", async () => {
    const broken = Promise.withResolvers<void>();
    await expect(orAborted(broken.promise, AbortSignal.abort(new Error("stopped")))).rejects.toThrow("stopped");
    broken.reject(new Error("broken")); // unhandled, it would end the process
  });
});
