import { composeFindings } from "./compose/compose-findings.ts";
import { dockerfileFindings } from "./dockerfile/dockerfile-findings.ts";
import { readDockerfile } from "./dockerfile/read-dockerfile.ts";
import type { Finding } from "./rules.ts";

/** The texts of the files that make the containers. */
export interface ContainerFiles {
  readonly compose: string;
  readonly dockerfile: string;
  readonly dockerignore: string;
}

/**
 * What in these files would let a container do more than it must: as root, with a secret in it, without a limit. Reads them only;
 * needs no Docker. @throws If one of them can't be read at all.
 */
export function findings({ compose, dockerfile, dockerignore }: ContainerFiles): readonly Finding[] {
  const images = readDockerfile(dockerfile).filter(({ final }) => final);
  const names = images.map(({ name }) => name);
  return [...composeFindings(compose, names), ...dockerfileFindings(dockerfile, dockerignore)];
}
