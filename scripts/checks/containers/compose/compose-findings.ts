import { applied, type Finding } from "../rules.ts";
import { confinement } from "./confinement.ts";
import { declared } from "./declared.ts";
import { limits } from "./limits.ts";
import { origin } from "./origin.ts";
import { ports } from "./ports.ts";
import { readCompose } from "./read-compose.ts";
import { secrets } from "./secrets.ts";
import { storage } from "./storage.ts";
import { upkeep } from "./upkeep.ts";

/** What is wrong with a compose file whose services are built to the final `stages` of the Dockerfile beside it. */
export function composeFindings(text: string, stages: readonly string[]): readonly Finding[] {
  const compose = readCompose(text);
  const rules = { ...origin(stages, compose), ...confinement, ...limits, ...upkeep, ...ports, ...storage, ...secrets };
  return [
    ...Object.entries(compose.services).flatMap(([name, service]) => applied(rules, service, `services.${name}`)),
    ...applied(declared, compose, "compose"),
  ];
}
