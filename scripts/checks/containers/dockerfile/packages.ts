import { basename } from "node:path";
import type { Rules } from "../rules.ts";
import { type Command, commandsOf } from "./commands.ts";
import { copied } from "./copied.ts";
import { type Stage, type Step, stageNamed } from "./read-dockerfile.ts";

/** Wherever in a line, since `CI=1` or `sh -c "` may come before. */
const INSTALL = /(?:^|[\s"'(])(npm|pnpm|yarn)\s(?:.*\s)?(install|i|ci|add)(?=\s|$)/;
const GLOBAL = /\s(-g|--global)(?=\s|$)/;
const COREPACK = /\bcorepack\s+(?:prepare|install|use)\b/;
const MANIFEST = /^(package\.json|package-lock\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|pnpm-\*\.yaml|\.npmrc)$/;

/** What each tool needs to install what the lockfile says, and nothing for development. */
const NEEDED: Readonly<Record<string, readonly [what: string, given: RegExp][]>> = {
  npm: [
    ["`ci`", /\sci(\s|$)/],
    ["--omit=dev", /\s--omit=dev\b/],
  ],
  pnpm: [
    ["--frozen-lockfile", /\s--frozen-lockfile(\s|$)/],
    ["--prod", /\s(--prod|-P)(\s|$)/],
  ],
  yarn: [
    ["--immutable", /\s(--immutable|--frozen-lockfile)(\s|$)/],
    ["--production", /\s--production(\s|$)/],
  ],
};

/** How packages come into an image. */
export function packages(stages: readonly Stage[]): Rules<Stage> {
  return {
    "install-flags": (stage) =>
      commandsOf(stage).flatMap(({ line }) => {
        const [, tool = ""] = INSTALL.exec(line) ?? [];
        if (GLOBAL.test(line)) return [];
        const missing = (NEEDED[tool] ?? []).filter(([, given]) => !given.test(line));
        return missing.map(([what]) => `${tool} installs without ${what}`);
      }),

    "exact-tools": (stage) =>
      commandsOf(stage).flatMap(({ line }) => {
        const [found] = COREPACK.exec(line) ?? (GLOBAL.test(line) ? (INSTALL.exec(line) ?? []) : []);
        if (found === undefined) return [];
        const names = line
          .slice(line.indexOf(found) + found.length)
          .split(/\s+/)
          .filter((word) => /^[@\w]/.test(word));
        return names.filter((name) => !/.@\d+\.\d+\.\d+$/.test(name)).map((name) => `${name} has no exact version`);
      }),

    // Where a source comes before them, each change of it installs the packages anew.
    "dependency-layer": (stage) =>
      commandsOf(stage)
        .filter(({ line }) => INSTALL.test(line) && !GLOBAL.test(line))
        .flatMap(({ step }: Command) => stage.lineage.slice(0, stage.lineage.indexOf(step) + 1))
        .filter((step) => bringsSources(step, stages))
        .map(({ keyword, text }) => `${keyword} ${text} brings sources in before the packages`),
  };
}

function bringsSources(step: Step, stages: readonly Stage[]): boolean {
  const { fromContext, fromStages } = copied(step);
  if (fromContext.some((source) => !MANIFEST.test(basename(source)))) return true;
  return fromStages.some((name) => {
    const { lineage = [] } = stageNamed(stages, name) ?? {};
    const last = lineage.findLastIndex((inner) => bringsSources(inner, stages));
    return last >= 0 && !lineage.slice(last + 1).some(deletesSources);
  });
}

/** `find . -type f ! -name <manifest> … -delete` */
export function deletesSources({ keyword, text }: Step): boolean {
  const [, names] = /\bfind \. -type f((?: ! -name \S+)+) -delete(?=\s|$)/.exec(text) ?? [];
  if (keyword !== "RUN" || names === undefined) return false;
  return [...names.matchAll(/-name '?([^\s']+)/g)].every(([, name = ""]) => MANIFEST.test(name));
}
