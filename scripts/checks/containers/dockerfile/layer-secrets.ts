import type { Rules } from "../rules.ts";
import { secretArguments, secretVariables } from "../secrecy.ts";
import { copied } from "./copied.ts";
import type { Stage } from "./read-dockerfile.ts";

/** A file or folder of which everybody knows what is in it. */
const SECRET_FILE =
  /^(\.env(\..+)?|\.npmrc|\.pgpass|\.netrc|\.git-credentials|\.(ssh|aws|docker|kube)|id_[a-z0-9]+|secrets?|credentials|.+\.(pem|key|p12|pfx|jks))$/;
/** Their variables are another rule. */
const SETTERS = ["ENV", "ARG", "LABEL"];
/** A copy, or output to a file other than /dev/null. */
const WRITES = /\b(cp|mv|tee|dd)\s|>(?!\s*(&|\/dev\/null))/;

/** A layer can be read by everybody who can pull the image, even when a later one deletes what is in it. */
export const layerSecrets: Rules<Stage> = {
  "secret-variable": ({ steps }) =>
    steps.flatMap(({ keyword, variables }) =>
      secretVariables(variables).map((name) => `${keyword} ${name} holds a secret`),
    ),

  "secret-argument": ({ steps }) =>
    steps
      .filter(({ keyword }) => !SETTERS.includes(keyword))
      .flatMap(({ keyword, exec, text }) =>
        secretArguments(exec ?? [text]).map((name) => `${name} of a ${keyword} holds a secret`),
      ),

  "secret-mount": ({ steps }) =>
    steps
      .filter(({ flags, text }) => flags.some((flag) => /^--mount=.*\btype=secret\b/.test(flag)) && WRITES.test(text))
      .map(({ text }) => `RUN ${text} may write its secret into the layer`),

  "secret-file": ({ steps }) =>
    steps
      .flatMap((step) => (step.keyword === "RUN" ? [] : copied(step).paths))
      .filter((source) => source.split("/").some((part) => SECRET_FILE.test(part)))
      .map((source) => `${source} becomes part of a layer`),
};
