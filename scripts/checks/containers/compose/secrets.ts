import type { Rules } from "../rules.ts";
import { secretArguments, secretPlaces, secretVariables } from "../secrecy.ts";
import type { Service } from "./read-compose.ts";

/** `docker inspect` and `ps` show all of these to everybody: secrets come as files. */
export const secrets: Rules<Service> = {
  "secret-environment": ({ environment }) => secretVariables(environment).map((name) => `${name} holds a secret`),
  "secret-env-file": ({ env_file: file }) => (file === undefined ? [] : ["what `env_file` sets is not checked"]),
  "secret-build-args": ({ build }) => secretVariables(build?.args ?? {}).map((name) => `${name} holds a secret`),
  "secret-command": ({ entrypoint, command }) =>
    [...secretArguments(entrypoint), ...secretArguments(command)].map((name) => `${name} holds a secret`),
  "secret-elsewhere": (service) => {
    const looked = { environment: {}, build: { ...service.build, args: {} }, entrypoint: [], command: [] };
    return secretPlaces({ ...service, ...looked }).map((place) => `${place} holds a secret`);
  },
};
