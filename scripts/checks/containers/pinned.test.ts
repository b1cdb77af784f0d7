import { expect, test } from "vitest";
import { pinned } from "./pinned.ts";

test.each([
  "postgres:17-latest",
  "postgres:latest-2",
  "postgres:alpine3",
  "postgres:17-Edge",
  "node:lts-bookworm12",
  "node:24-lts",
  "node:current-24",
  "node:24-nightly",
  "host:5000/node",
])("%s may be another image tomorrow", (image) => {
  expect(pinned(image)).toBe(false);
});

test.each(["postgres:17", "node:24-slim", "docker/dockerfile:1", "x/y:v1.2.3", "node:24-bookworm"])(
  "%s tells a version",
  (image) => {
    expect(pinned(image)).toBe(true);
  },
);
