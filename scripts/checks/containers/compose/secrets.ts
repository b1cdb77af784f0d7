import type { Rules } from "../rules.ts";
import { secretArguments, secretVariables } from "../secrecy.ts";
import type { Service } from "./read-compose.ts";

/** `docker inspect` and `ps` show all of these to everybody: secrets come as files. */
export const secrets: Rules<Service> = {
  "secret-environment": ({ environment }) => secretVariables(environment).map((name) => `${name} holds a secret`),
  "secret-env-file": ({ env_file: file }) => (file === undefined ? [] : ["what `env_file` sets is not checked"]),
  "secret-build-args": ({ build }) => secretVariables(build?.args ?? {}).map((name) => `${name} holds a secret`),
  "secret-command": ({ entrypoint, command }) =>
    [...secretArguments(entrypoint), ...secretArguments(command)].map((name) => `${name} holds a secret`),
};
