import { expect, test } from "vitest";
import { repoFiles } from "../repo-files.fixture.ts";
import { readDockerfile } from "./read-dockerfile.ts";

test("readDockerfile() tells what becomes an image: tools, database and service", () => {
  const final = readDockerfile(repoFiles.dockerfile).filter((stage) => stage.final);
  expect(final.map(({ name }) => name)).toEqual(["tools", "database", "service"]);
});

test("readDockerfile() knows stages by number, joins lines, and reads both forms", () => {
  const stages = readDockerfile(
    'ARG V=1\nFROM a:1\nRUN x \\\n  y\nFROM b:2 AS b\nCOPY --from=0 /x /y\nCMD ["a", "b c"]\n',
  );
  expect(stages.map(({ name, images, final }) => ({ name, images, final }))).toEqual([
    { name: "0", images: ["a:1"], final: false },
    { name: "b", images: ["b:2"], final: true },
  ]);
  expect(stages[0]?.steps[0]).toMatchObject({ keyword: "RUN", text: "x   y", exec: undefined });
  expect(stages[1]?.steps[1]?.exec).toEqual(["a", "b c"]);
});

test("readDockerfile() takes no file without FROM", () => {
  expect(() => readDockerfile("RUN x")).toThrow("it has no FROM");
});
