import { beside } from "./beside.ts";
import { composeFindings } from "./compose/compose-findings.ts";
import { dockerfileFindings } from "./dockerfile/dockerfile-findings.ts";
import { readDockerfile } from "./dockerfile/read-dockerfile.ts";
import { applied, type Finding } from "./rules.ts";

/** What makes the containers. */
export interface ContainerFiles {
  /** The texts of docker-compose.yml, Dockerfile and .dockerignore. */
  readonly compose: string;
  readonly dockerfile: string;
  readonly dockerignore: string;
  /** The names of all files in their folder. */
  readonly names: readonly string[];
}

/**
 * What in these files would let a container do more than it must: as root, with a secret in it, without a limit. Reads them only;
 * needs no Docker. @throws If the Dockerfile can't be read at all.
 */
export function findings({ compose, dockerfile, dockerignore, names }: ContainerFiles): readonly Finding[] {
  const images = readDockerfile(dockerfile).filter(({ final }) => final);
  return [
    ...composeFindings(compose, images),
    ...dockerfileFindings(dockerfile, dockerignore),
    ...applied(beside, names, "folder"),
  ];
}
