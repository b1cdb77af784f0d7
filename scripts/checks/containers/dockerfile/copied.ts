import { type Step, sourcesOf } from "./read-dockerfile.ts";

/** What a step brings into its stage. */
export interface Copied {
  /** Paths of the build's context. */
  readonly fromContext: readonly string[];
  /** Stages or images. */
  readonly fromStages: readonly string[];
}

/** Of COPY and ADD, the sources; of a RUN, what it mounts of the context, since a change of it runs the step again. */
export function copied(step: Step): Copied {
  const fromStages = sourcesOf(step);
  if (step.keyword === "RUN") {
    const binds = step.flags.filter((flag) => /^--mount=.*\btype=bind\b/.test(flag) && !/\bfrom=/.test(flag));
    return { fromStages, fromContext: binds.map((flag) => /\b(?:source|src)=([^,]+)/.exec(flag)?.[1] ?? ".") };
  }
  if ((step.keyword !== "COPY" && step.keyword !== "ADD") || fromStages.length > 0)
    return { fromStages, fromContext: [] };
  return { fromStages, fromContext: (step.exec ?? step.text.split(/\s+/)).slice(0, -1) };
}
