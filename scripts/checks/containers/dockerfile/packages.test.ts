import { describe, expect, test } from "vitest";
import { withText } from "../repo-files.fixture.ts";
import type { Finding } from "../rules.ts";

const GLOBAL = "RUN npm install --global --silent pnpm@12.21.0";
const MANIFESTS = "COPY --from=manifests /app .";
const SERVICE = "FROM pnpm AS service-packages";
const CMD = 'CMD ["node", "src/main.ts"]';

/** Where all sources come in, the final stages have them, too: that is another rule. */
const withoutCopyAll = (found: readonly Finding[]) => found.filter(({ rule }) => rule !== "copy-all");

/** Each stage that installs says so for itself. */
const inBoth = (rule: string, message: string) =>
  ["service-packages", "tools-packages"].map((stage) => ({ rule, where: `stage ${stage}`, message }));

describe("packages()", () => {
  test.each([
    [" --frozen-lockfile", "", "pnpm installs without --frozen-lockfile"],
    [" --frozen-lockfile", " --no-frozen-lockfile", "pnpm installs without --frozen-lockfile"],
    [" --prod ", " ", "pnpm installs without --prod"],
    [" --prod ", " --production=false ", "pnpm installs without --prod"],
  ])("%j as %j: %s", (before, after, message) => {
    expect(withText("dockerfile", before, after)).toEqual(inBoth("install-flags", message));
  });

  test.each([
    ["RUN npm install --omit=dev", ["npm installs without `ci`"]],
    ["RUN CI=1 npm install --omit=dev", ["npm installs without `ci`"]],
    ["RUN sh -c 'npm install --omit=dev'", ["npm installs without `ci`"]],
    ["RUN true && npm ci", ["npm installs without --omit=dev"]],
    ["RUN pnpm i --prod", ["pnpm installs without --frozen-lockfile"]],
    ['RUN ["pnpm", "add", "zod"]', ["pnpm installs without --frozen-lockfile", "pnpm installs without --prod"]],
    ["RUN yarn install --immutable", ["yarn installs without --production"]],
  ])("%s: %j", (run, messages) => {
    expect(withText("dockerfile", SERVICE, `${SERVICE}\n${run}`)).toEqual(
      messages.map((message) => ({ rule: "install-flags", where: "stage service-packages", message })),
    );
  });

  test.each([
    ["RUN npm install --global --silent pnpm", "pnpm has no exact version"],
    ["RUN npm install --global pnpm@12", "pnpm@12 has no exact version"],
    ["RUN CI=1 npm i -g pnpm@latest", "pnpm@latest has no exact version"],
    ["RUN npm i -g pnpm@12.21.0 @scope/x", "@scope/x has no exact version"],
    ["RUN corepack enable && corepack prepare pnpm@latest --activate", "pnpm@latest has no exact version"],
  ])("%s: %s", (run, message) => {
    expect(withText("dockerfile", GLOBAL, run)).toEqual([{ rule: "exact-tools", where: "stage pnpm", message }]);
  });

  test.each([
    "COPY packages packages",
    "COPY . .",
    "COPY package.json tsconfig.json ./",
    'COPY ["packages", "packages"]',
    "ADD packages packages",
  ])("%s before the packages", (step) => {
    expect(withoutCopyAll(withText("dockerfile", MANIFESTS, `${MANIFESTS}\n${step}`))).toEqual(
      inBoth("dependency-layer", `${step} brings sources in before the packages`),
    );
  });

  test.each([
    ["! -name 'pnpm-*.yaml'", "! -name 'pnpm-*.yaml' ! -name '*.ts'"],
    ["! -name 'pnpm-*.yaml'", "! -name '*.yaml'"],
    [" -delete && find . -type d -empty -delete", " -print"],
  ])("manifests that are more than manifests: %j as %j", (before, after) => {
    expect(withoutCopyAll(withText("dockerfile", before, after))).toEqual(
      inBoth("dependency-layer", "COPY /app . brings sources in before the packages"),
    );
  });

  test("a step that mounts all sources", () => {
    const before = 'RUN --mount=type=cache,target=/store $INSTALL --filter-prod "holdfast..."';
    const after = before.replace("RUN", "RUN --mount=type=bind,target=/src");
    expect(withText("dockerfile", before, after)).toEqual([
      {
        rule: "dependency-layer",
        where: "stage tools-packages",
        message: 'RUN $INSTALL --filter-prod "holdfast..." brings sources in before the packages',
      },
    ]);
  });

  test("is content with manifests by name", () => {
    const found = withText("dockerfile", MANIFESTS, "COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./");
    // The stage that nobody copies from any more is taken for an image.
    expect(found.filter(({ where }) => where !== "stage manifests")).toEqual([]);
  });

  test("is content with a text of the Dockerfile's own before the packages", () => {
    expect(withText("dockerfile", MANIFESTS, `${MANIFESTS}\nCOPY <<EOF .\nx\nEOF`)).toEqual([]);
  });

  test("is content with sources after the packages", () => {
    expect(withText("dockerfile", CMD, `COPY data/online-retail data\n${CMD}`)).toEqual([]);
  });
});
