import { expect, test } from "vitest";
import { withFiles } from "./repo-files.fixture.ts";

test.each([
  ["docker-compose.override.yml", "docker-compose.yml"],
  ["docker-compose.override.yaml", "docker-compose.yml"],
  ["docker-compose.yaml", "docker-compose.yml"],
  ["compose.yaml", "docker-compose.yml"],
  ["compose.yml", "docker-compose.yml"],
  ["compose.override.yaml", "docker-compose.yml"],
  ["compose.override.yml", "docker-compose.yml"],
  ["Dockerfile.dockerignore", ".dockerignore"],
])("%s would be read without a word", (name, file) => {
  const message = `${name} is read beside or instead of ${file}, unchecked`;
  expect(withFiles(name)).toEqual([{ rule: "beside", where: "folder", message }]);
});

test("is content with files that have to be named", () => {
  expect(withFiles("docker-compose.load.yml", "compose.load.yaml", "my.Dockerfile")).toEqual([]);
});
