import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lastWords } from "./last-words.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

describe("lastWords()", () => {
  test.each([
    [
      "the beginning of an error beside the log lines",
      '{"msg":"old"}\n{"msg":"a"}\nError: no\n  at x\n',
      "  Error: no\n    at x",
    ],
    ["the last log lines where there is nothing else", '{"msg":"old"}\n{"msg":"a"}\n', '  {"msg":"a"}'],
  ])("tells %s", async (_, text, expected) => {
    await using temp = await tempFolder();
    const log = join(temp.path, "order.log");
    await writeFile(log, text);
    expect(await lastWords(log, '{"msg":"old"}\n'.length)).toBe(expected);
  });
});
