import { describe, expect, test } from "vitest";
import { withText } from "../repo-files.fixture.ts";

describe("baseImages", () => {
  test.each(["node", "node:latest", "node:lts-slim", "node:${NODE_VERSION}"])("FROM %s has no version", (image) => {
    expect(withText("dockerfile", "FROM node:24-slim AS base", `FROM ${image} AS base`)).toEqual([
      {
        rule: "base-image",
        where: "stage base",
        message: `${image} has no tag with a version, and is no earlier stage`,
      },
    ]);
  });

  test.each([
    ["COPY --from=source /app/scripts scripts", "COPY scripts scripts\nCOPY --from=busybox /bin/x /bin/x"],
    [
      "COPY --from=source /app/scripts scripts",
      "COPY scripts scripts\nRUN --mount=type=bind,from=busybox,target=/x true",
    ],
  ])("what %j copies from has none either", (before, after) => {
    expect(withText("dockerfile", before, after)).toEqual([
      {
        rule: "base-image",
        where: "stage tools",
        message: "busybox has no tag with a version, and is no earlier stage",
      },
    ]);
  });

  test("a stage that comes later is none yet", () => {
    expect(withText("dockerfile", "FROM source AS manifests", "FROM base AS manifests")).toEqual([
      {
        rule: "base-image",
        where: "stage manifests",
        message: "base has no tag with a version, and is no earlier stage",
      },
    ]);
  });
});

describe("syntax", () => {
  test.each(["docker/dockerfile:latest", "docker/dockerfile", "docker/dockerfile:labs"])(
    "%s has no version",
    (image) => {
      expect(withText("dockerfile", "# One image", `# syntax=${image}\n# One image`)).toEqual([
        { rule: "syntax", where: "# syntax", message: `${image} has no tag with a version` },
      ]);
    },
  );

  test("is content with a version", () => {
    expect(withText("dockerfile", "# One image", "# syntax=docker/dockerfile:1\n# One image")).toEqual([]);
  });
});
