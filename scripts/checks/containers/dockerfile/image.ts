import { basename, posix } from "node:path";
import { type Rules, unless } from "../rules.ts";
import { copied } from "./copied.ts";
import { deletesSources } from "./packages.ts";
import { type Stage, type Step, stageNamed } from "./read-dockerfile.ts";

const EVERYTHING = [".", "./", "/", "*", "./*"];

/** What a final stage leaves in its image, the stages that it is made from included. */
export function image(stages: readonly Stage[]): Rules<Stage> {
  return {
    // A name can stand for 0, and Kubernetes' runAsNonRoot knows numbers only. PostgreSQL has another number in each make of its
    // image, and refuses to run as root.
    user: ({ from, lineage }) => {
      const user = lineage.findLast(({ keyword }) => keyword === "USER")?.text;
      if (user === undefined) return ["has no USER: runs as root"];
      if (user === "postgres" && from.startsWith("postgres:")) return [];
      return unless(/^[1-9]\d*(:[1-9]\d*)?$/.test(user), `runs as ${user}: needs a number other than 0`);
    },

    // A shell as first process passes no signal on.
    "exec-form": ({ lineage }) =>
      lineage
        .filter(({ keyword }) => keyword === "CMD" || keyword === "ENTRYPOINT")
        .filter(({ exec }) => exec === undefined || /^(ba|da|z|a)?sh$/.test(basename(exec[0] ?? "")))
        .map(({ keyword, text }) => `${keyword} ${text} runs in a shell`),

    // Runs in what is made from the image, after all that is looked at here.
    onbuild: ({ lineage }) =>
      lineage.filter(({ keyword }) => keyword === "ONBUILD").map(({ text }) => `ONBUILD ${text} leaves a step behind`),

    "copy-all": ({ lineage }) =>
      lineage
        .filter((step) => takesEverything(step, stages))
        .map(({ keyword, text }) => `${keyword} ${text} takes everything`),

    // Gives every container a volume without a name.
    volume: ({ lineage }) =>
      lineage.filter(({ keyword }) => keyword === "VOLUME").map(({ text }) => `VOLUME ${text} leaves volumes behind`),
  };
}

/** From the context, or from a stage that took everything and has it still. */
function takesEverything(step: Step, stages: readonly Stage[]): boolean {
  const { fromContext, fromStages, paths } = copied(step);
  // What a RUN mounts does not stay.
  if (step.keyword === "RUN") return false;
  if (fromContext.some((source) => EVERYTHING.includes(source))) return true;
  return fromStages.some((name) => {
    const { lineage = [] } = stageNamed(stages, name) ?? {};
    const last = lineage.findLastIndex((inner) => takesEverything(inner, stages));
    if (last < 0 || lineage.slice(last + 1).some(deletesSources)) return false;
    const folder = lineage.findLast(({ keyword }) => keyword === "WORKDIR")?.text ?? "/";
    return paths.some((path) => !posix.relative(posix.join("/", path.replace(/\*$/, "")), folder).startsWith(".."));
  });
}
