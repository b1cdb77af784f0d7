import { applied, type Finding } from "../rules.ts";
import { baseImages, syntax } from "./base-images.ts";
import { dockerIgnore, patternsOf } from "./docker-ignore.ts";
import { downloads } from "./downloads.ts";
import { image } from "./image.ts";
import { layerSecrets } from "./layer-secrets.ts";
import { packages } from "./packages.ts";
import { readDockerfile, syntaxOf } from "./read-dockerfile.ts";

/** What is wrong with a Dockerfile, and with the .dockerignore beside it. */
export function dockerfileFindings(text: string, ignore: string): readonly Finding[] {
  const stages = readDockerfile(text);
  const every = { ...baseImages, ...packages(stages), ...downloads, ...layerSecrets };
  return [
    ...stages.flatMap((stage) => applied(every, stage, `stage ${stage.name}`)),
    ...stages.filter(({ final }) => final).flatMap((stage) => applied(image(stages), stage, `stage ${stage.name}`)),
    ...applied(syntax, syntaxOf(text), "# syntax"),
    ...applied(dockerIgnore, patternsOf(ignore), ".dockerignore"),
  ];
}
