import type { Rules } from "./rules.ts";

/** By what they come beside: docker-compose.yml is merged with some of them, and not read at all for others. */
const READ_TOO = [
  { file: "docker-compose.yml", others: /^(?!docker-compose\.yml$)(docker-)?compose(\.override)?\.ya?ml$/ },
  { file: ".dockerignore", others: /^Dockerfile\.dockerignore$/ },
] as const;

/** The names of the files in the folder: Docker reads some without being told to. */
export const beside: Rules<readonly string[]> = {
  beside: (names) =>
    READ_TOO.flatMap(({ file, others }) =>
      names
        .filter((name) => others.test(name))
        .map((name) => `${name} is read beside or instead of ${file}, unchecked`),
    ),
};
