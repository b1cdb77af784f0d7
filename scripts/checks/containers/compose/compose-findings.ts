import type { Stage } from "../dockerfile/read-dockerfile.ts";
import { applied, type Finding } from "../rules.ts";
import { confinement } from "./confinement.ts";
import { declared } from "./declared.ts";
import { limits } from "./limits.ts";
import { origin } from "./origin.ts";
import { ports } from "./ports.ts";
import { type Compose, readCompose } from "./read-compose.ts";
import { secrets } from "./secrets.ts";
import { storage } from "./storage.ts";
import { upkeep } from "./upkeep.ts";
import { volumes } from "./volumes.ts";

/** What is wrong with a compose file whose services are built to the final `stages` of the Dockerfile beside it. */
export function composeFindings(text: string, stages: readonly Stage[]): readonly Finding[] {
  const read = readCompose(text);
  return "services" in read ? ruleFindings(read, stages) : read;
}

function ruleFindings(compose: Compose, stages: readonly Stage[]): readonly Finding[] {
  const rules = {
    ...origin(stages, compose),
    ...confinement,
    ...limits,
    ...upkeep,
    ...ports(stages),
    ...storage(stages),
    ...secrets,
  };
  return [
    ...Object.entries(compose.services).flatMap(([name, service]) => applied(rules, service, `services.${name}`)),
    ...applied({ ...declared(stages), ...volumes }, compose, "compose"),
  ];
}
