import { expect, test } from "vitest";
import { readCommands } from "./read-commands.ts";

test("readCommands() reads commands, what they go on with, and what they print", () => {
  const markdown = [
    "text",
    "```console",
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
    { line: 3, text: "echo \\\n  hello", output: ["hello"] },
    { line: 6, text: "true", output: [] },
  ]);
});
