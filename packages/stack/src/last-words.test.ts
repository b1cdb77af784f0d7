import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lastWords } from "./last-words.ts";
import { tempFolder } from "./temp-folder.fixture.ts";

const fatal = (fields: object) => `${JSON.stringify({ level: "fatal", ...fields })}\n`;

describe("lastWords()", () => {
  test.each([
    ["the beginning of an error beside the log lines", '{"msg":"a"}\nError: no\n  at x\n', "  Error: no\n    at x"],
    [
      "why it could not start, with the causes, and where",
      fatal({ err: { type: "Error", message: "no: in use", stack: "Error: no\n  at x\ncaused by: y" } }),
      "  Error: no: in use\n    at x",
    ],
    [
      "all that is wrong with its configuration, though it said other things",
      `(node:1) Warning\n${fatal({ msg: "cannot start", problems: ["A: is not set", "B: is not set"] })}`,
      "  cannot start\n  A: is not set\n  B: is not set",
    ],
    ["what it said at its end, if not why", fatal({ msg: "no", err: "a text" }), "  no"],
    ["as it stands what was cut off", fatal({ msg: "no" }).slice(0, 23), '  {"level":"fatal","msg":'],
    ["the last log lines where there is nothing else", '{"msg":"a"}\n', '  {"msg":"a"}'],
  ])("tells %s", async (_, said, expected) => {
    await using temp = await tempFolder();
    const log = join(temp.path, "order.log");
    const old = `old\n${fatal({ msg: "old" })}`;
    await writeFile(log, `${old}${said}`);
    expect(await lastWords(log, old.length)).toBe(expected);
  });
});
