import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { parse, stringify } from "yaml";
import { type ContainerFiles, findings } from "./findings.ts";
import type { Finding } from "./rules.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "../../..", name), "utf8");

/** The project's own files. */
export const repoFiles: ContainerFiles = {
  compose: read("docker-compose.yml"),
  dockerfile: read("Dockerfile"),
  dockerignore: read(".dockerignore"),
};

const known = findings(repoFiles).map((finding) => JSON.stringify(finding));

/** What the seeded fault brings. What the files have without it fails one test, and not each. */
function brought(files: ContainerFiles): readonly Finding[] {
  return findings(files).filter((finding) => !known.includes(JSON.stringify(finding)));
}

type Options = Readonly<Record<string, unknown>>;
const compose = parse(repoFiles.compose, { merge: true }) as Options & { readonly services: Record<string, Options> };

/** What is found when one service has these options instead of its own. An option that is undefined is not there. */
export function withService(name: string, options: Options): readonly Finding[] {
  return withCompose({ services: { ...compose.services, [name]: changed(compose.services[name], options) } });
}

/** What is found when the compose file has these parts instead of its own. */
export function withCompose(parts: Options): readonly Finding[] {
  return brought({ ...repoFiles, compose: stringify(changed(compose, parts)) });
}

/** What is found when a file has `after` where it has `before`. */
export function withText(file: keyof ContainerFiles, before: string, after: string): readonly Finding[] {
  const text = repoFiles[file];
  expect(text.split(before), `${before} is there once`).toHaveLength(2);
  return brought({ ...repoFiles, [file]: text.replace(before, () => after) });
}

function changed(before: Options | undefined, change: Options): Options {
  const after = { ...before, ...change };
  expect(after, "the seeded fault").not.toEqual(before);
  return after;
}
