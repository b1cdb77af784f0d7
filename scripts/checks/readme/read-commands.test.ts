import { expect, test } from "vitest";
import { readCommands } from "./read-commands.ts";

test("readCommands() reads commands, what they go on with, and what they print", () => {
  const markdown = [
    "## Run it",
    "```console",
    "# no heading",
    "$ echo \\",
    "  hello",
    "hello",
    "$ true",
    "```",
    "```sh",
    "$ not this",
    "```",
  ];
  expect(readCommands(markdown.join("\n"))).toEqual([
    { line: 4, section: "Run it", text: "echo \\\n  hello", output: ["hello"] },
    { line: 7, section: "Run it", text: "true", output: [] },
  ]);
});
