import { type Step, sourcesOf } from "./read-dockerfile.ts";

/** What a step brings into its stage. */
export interface Copied {
  /** Paths of the build's context, or of what it copies from. */
  readonly paths: readonly string[];
  /** Those of the build's context alone. */
  readonly fromContext: readonly string[];
  /** Stages or images. */
  readonly fromStages: readonly string[];
}

/** Of COPY and ADD, the sources; of a RUN, what it mounts of the context, since a change of it runs the step again. */
export function copied(step: Step): Copied {
  const fromStages = sourcesOf(step);
  const paths = pathsOf(step);
  return { fromStages, paths, fromContext: step.keyword === "RUN" || fromStages.length === 0 ? paths : [] };
}

function pathsOf({ keyword, flags, exec, text }: Step): readonly string[] {
  if (keyword === "RUN") {
    const binds = flags.filter((flag) => /^--mount=.*\btype=bind\b/.test(flag) && !/\bfrom=/.test(flag));
    return binds.map((flag) => /\b(?:source|src)=([^,]+)/.exec(flag)?.[1] ?? ".");
  }
  if (keyword !== "COPY" && keyword !== "ADD") return [];
  // After the first line comes the text of a `<<EOF`, which is no path.
  const words = exec ?? text.split("\n", 1).join("").split(/\s+/);
  return words.slice(0, -1).filter((word) => !word.startsWith("<<"));
}
