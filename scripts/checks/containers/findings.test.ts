import { expect, test } from "vitest";
import { findings } from "./findings.ts";
import { repoFiles } from "./repo-files.fixture.ts";

test("findings() of the project's own Dockerfile, .dockerignore and docker-compose.yml: none", () => {
  expect(findings(repoFiles)).toEqual([]);
});

test("docker-compose.yml has no more than 150 lines", () => {
  expect(repoFiles.compose.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
});
