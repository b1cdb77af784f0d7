import { basename } from "node:path";
import { type Rules, unless } from "../rules.ts";
import { copied } from "./copied.ts";
import type { Stage } from "./read-dockerfile.ts";

const EVERYTHING = [".", "./", "/", "*", "./*"];

/** What a final stage leaves in its image, the stages that it is made from included. */
export const image: Rules<Stage> = {
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
      .filter((step) => copied(step).fromContext.some((source) => EVERYTHING.includes(source)))
      .map(({ keyword, text }) => `${keyword} ${text} takes everything`),

  // Gives every container a volume without a name.
  volume: ({ lineage }) =>
    lineage.filter(({ keyword }) => keyword === "VOLUME").map(({ text }) => `VOLUME ${text} leaves volumes behind`),
};
