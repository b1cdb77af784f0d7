import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { parse, stringify } from "yaml";
import { type ContainerFiles, findings } from "./findings.ts";
import type { Finding } from "./rules.ts";

const folder = join(import.meta.dirname, "../../..");
const read = (name: string) => readFileSync(join(folder, name), "utf8");

/** The project's own files. */
export const repoFiles: ContainerFiles = {
  compose: read("docker-compose.yml"),
  dockerfile: read("Dockerfile"),
  dockerignore: read(".dockerignore"),
  names: readdirSync(folder),
};

const known = findings(repoFiles).map((finding) => JSON.stringify(finding));

/** What the seeded fault brings. What the files have without it fails one test, and not each. */
function brought(files: ContainerFiles): readonly Finding[] {
  return findings(files).filter((finding) => !known.includes(JSON.stringify(finding)));
}

type Options = Readonly<Record<string, unknown>>;
/** What docker-compose.yml says, as it is written. */
export const compose = parse(repoFiles.compose, { merge: true }) as Options &
  Readonly<Record<"services" | "volumes", Record<string, Options>>>;

/** What is found when one service has these options instead of its own. An option that is undefined is not there. */
export function withService(name: string, options: Options): readonly Finding[] {
  return withCompose({ services: { ...compose.services, [name]: changed(compose.services[name], options) } });
}

/** What is found when the compose file has these parts instead of its own. */
export function withCompose(parts: Options): readonly Finding[] {
  return brought({ ...repoFiles, compose: stringify(changed(compose, parts)) });
}

/** What is found when a file has `after` where it has `before`. */
export function withText(
  file: Exclude<keyof ContainerFiles, "names">,
  before: string,
  after: string,
): readonly Finding[] {
  const text = repoFiles[file];
  expect(text.split(before), `${before} is there once`).toHaveLength(2);
  return brought({ ...repoFiles, [file]: text.replace(before, () => after) });
}

/** What is found when these files lie beside, too. */
export function withFiles(...names: readonly string[]): readonly Finding[] {
  return brought({ ...repoFiles, names: [...repoFiles.names, ...names] });
}

function changed(before: Options | undefined, change: Options): Options {
  const after = { ...before, ...change };
  expect(after, "the seeded fault").not.toEqual(before);
  return after;
}
