import { basename } from "node:path";
import type { Rules } from "../rules.ts";
import { secretArguments, secretVariables } from "../secrecy.ts";
import { copied } from "./copied.ts";
import type { Stage } from "./read-dockerfile.ts";

const SECRET_FILE = /^(\.env(\..+)?|\.npmrc|\.pgpass|\.netrc|id_[a-z0-9]+|.+\.(pem|key|p12|pfx))$/;
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
      .filter(({ keyword }) => ["RUN", "CMD", "ENTRYPOINT"].includes(keyword))
      .flatMap(({ keyword, exec, text }) =>
        secretArguments(exec ?? [text]).map((name) => `${name} of a ${keyword} holds a secret`),
      ),

  "secret-mount": ({ steps }) =>
    steps
      .filter(({ flags, text }) => flags.some((flag) => /^--mount=.*\btype=secret\b/.test(flag)) && WRITES.test(text))
      .map(({ text }) => `RUN ${text} may write its secret into the layer`),

  "secret-file": ({ steps }) =>
    steps
      .flatMap((step) => (step.keyword === "RUN" ? [] : copied(step).fromContext))
      .filter((source) => SECRET_FILE.test(basename(source)))
      .map((source) => `${source} becomes part of a layer`),
};
