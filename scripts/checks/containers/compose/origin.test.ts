import { describe, expect, test } from "vitest";
import { withService } from "../repo-files.fixture.ts";

/** Somebody else's image. */
const foreign = { build: undefined, user: "999:999" };

describe("origin()", () => {
  test.each([
    ["database", { ...foreign, image: "postgres" }, "image", "postgres has no tag with a version"],
    ["database", { ...foreign, image: "postgres:latest" }, "image", "postgres:latest has no tag with a version"],
    ["database", { ...foreign, image: "host:5000/postgres" }, "image", "host:5000/postgres has no tag with a version"],
    [
      "database",
      { ...foreign, image: "postgres:${TAG:-x17}" },
      "image",
      "postgres:${TAG:-x17} has no tag with a version",
    ],
    ["edge", { build: undefined, user: "1000" }, "image", "has neither an image nor a build"],
    ["edge", { build: "services/edge" }, "build", "is built by another Dockerfile than ./Dockerfile"],
    ["edge", { build: { dockerfile: "My.dockerfile" } }, "build", "is built by another Dockerfile than ./Dockerfile"],
    ["edge", { build: { dockerfile_inline: "FROM x" } }, "build", "is built by another Dockerfile than ./Dockerfile"],
    ["edge", { build: { target: "pnpm" } }, "build", "pnpm is no final stage of the Dockerfile"],
    ["database", { build: undefined, image: "postgres:17" }, "user", "postgres:17 runs as its own user: needs `user`"],
    ["database", { user: "root" }, "user", "runs as root"],
    ["database", { user: "0:999" }, "user", "runs as 0:999"],
    ["order", { user: 0 }, "user", "runs as 0"],
    ["order", { user: "root:1000" }, "user", "runs as root:1000"],
    ["order", { user: "1000:0" }, "user", "runs as 1000:0"],
    ["order", { user: "node:root" }, "user", "runs as node:root"],
    ["order", { user: "-0" }, "user", "runs as -0"],
    ["order", { user: "${WHO}" }, "user", "runs as ${WHO}"],
  ])("%s with %j: %s", (service, options, rule, message) => {
    expect(withService(service, options)).toEqual([{ rule, where: `services.${service}`, message }]);
  });

  test("wants no image of ours from a registry", () => {
    const options = { build: undefined, image: "${COMPOSE_PROJECT_NAME}-tools", pull_policy: undefined };
    expect(withService("audit", options)).toEqual([
      {
        rule: "pull-policy",
        where: "services.audit",
        message: "${COMPOSE_PROJECT_NAME}-tools, which another service builds, needs `pull_policy: never`",
      },
    ]);
    expect(withService("order", { ...options, pull_policy: "never" })).toEqual([]);
  });

  test("is content with a digest, a registry with a port, a user by name and a number", () => {
    expect(withService("database", { ...foreign, image: `postgres@sha256:${"0a".repeat(32)}` })).toEqual([]);
    expect(withService("database", { ...foreign, image: "host:5000/postgres:17" })).toEqual([]);
    expect(withService("database", { ...foreign, image: "postgres:17", user: "postgres" })).toEqual([]);
  });
});
